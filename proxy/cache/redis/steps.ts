import type { Step } from './node.ts';

/*
 * The steps of the shared cache as scripts of Redis, each atomic among all proxies. `test/proxy/redis/twin.ts` does the
 * same in TypeScript, and a test holds the two together: change both.
 *
 * Fences are a sorted set of ids by their ends, in Redis' own time. The member '' is no fence: while it is there, those
 * that stand are tainted. It lies at infinity and goes with the last of them.
 *
 * What drops something deletes first: from then on the script may also write where Redis is full. What only keeps
 * something writes first, and is refused there.
 *
 * A name that settles is there for so long after a drop: the store's replicas may not have what was written. The steps
 * have it as their last key only where the store settles at all.
 *
 * A record is a hash: r the process that wrote it, v the version of the table's items, p that of its pages,
 * f the fingerprint, h and q until when items and pages are held, c when the fingerprint changed, b when it was made.
 */

const nowMs = `
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end`;

const announce = `
local function announce(marker)
  redis.call('SET', marker, '')
  redis.call('DEL', marker)
end`;

const settle = `
local function settle(name, ms)
  if name then redis.call('SET', name, '', 'PX', ms) end
end`;

/** In front of what a step answers: its subject settles. No id begins like this. */
export const unsettled = '~';

const answerUnsettled = `
local function answer(id, settling)
  return settling and redis.call('EXISTS', settling) == 1 and '${unsettled}' .. id or id
end`;

/** How many fences stand, and whether they are tainted; those that have ended are removed. */
const standing = `
local function standing(fences, now)
  redis.call('ZREMRANGEBYSCORE', fences, '-inf', now)
  local count = redis.call('ZCARD', fences)
  if count == 0 or not redis.call('ZSCORE', fences, '') then return count, false end
  if count > 1 then return count - 1, true end
  redis.call('DEL', fences)
  return 0, false
end`;

/**
 * Keys: value, token, fences, settling?. Arguments: stamp, id of the token, its life in ms.
 * Answers the value as it was put with what is left of its life, or the id of the token, behind `unsettled` where that is
 * so, or 0 where a fence stands. A token that stands is shared: nothing was dropped since it was taken, and whoever of its
 * readers comes first fills.
 */
export const readItemStep = step(
  'readItem',
  3,
  `${nowMs}${answerUnsettled}
local value = redis.call('GET', KEYS[1])
if value and string.sub(value, 1, #ARGV[1]) == ARGV[1] then return {value, redis.call('PTTL', KEYS[1])} end
if redis.call('EXISTS', KEYS[3]) == 1 and redis.call('ZCOUNT', KEYS[3], '(' .. nowMs(), '(inf') > 0 then return 0 end
local token = redis.call('GET', KEYS[2]) or ARGV[2]
redis.call('SET', KEYS[2], token, 'PX', ARGV[3])
return answer(token, KEYS[4])`,
);

/**
 * Keys: value, token. Arguments: id of the token, value, its life in ms.
 * Answers 1 for put, 0 where the token does not stand. Where one stands, no fence does: raising it drops the token.
 */
export const fillItemStep = step(
  'fillItem',
  2,
  `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1`,
);

/**
 * Drops, raises the fence, or raises it again, and taints it and whatever it meets.
 * Keys: value, token, fences, marker. Arguments: id of the fence, its life in ms.
 */
export const raiseStep = step(
  'raise',
  4,
  `${nowMs}${announce}${standing}
redis.call('DEL', KEYS[1], KEYS[2])
local now = nowMs()
local count, tainted = standing(KEYS[3], now)
local isAlone = count == 0 or (count == 1 and redis.call('ZSCORE', KEYS[3], ARGV[1]))
if not isAlone and not tainted then redis.call('ZADD', KEYS[3], 'inf', '') end
redis.call('ZADD', KEYS[3], now + ARGV[2], ARGV[1])
local last = redis.call('ZREVRANGEBYSCORE', KEYS[3], '(inf', '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
redis.call('PEXPIREAT', KEYS[3], last[2])
announce(KEYS[4])
return 1`,
);

/**
 * Drops, removes the fence, if it is there, and puts what its write left, if the fence stood alone and untainted.
 * Otherwise taints those that stand.
 * Keys: value, token, fences, marker, settling?. Arguments: id of the fence or `noFence`; for how long it settles in ms;
 * value and its life in ms, or neither.
 * Answers 1 if the fence stood alone and untainted.
 */
export const lowerStep = step(
  'lower',
  4,
  `${nowMs}${announce}${settle}${standing}
redis.call('DEL', KEYS[1], KEYS[2])
settle(KEYS[5], ARGV[2])
local count, tainted = standing(KEYS[3], nowMs())
local stood = redis.call('ZREM', KEYS[3], ARGV[1])
local alone = 0
if count > stood then
  if not tainted then redis.call('ZADD', KEYS[3], 'inf', '') end
else
  redis.call('DEL', KEYS[3])
  if stood == 1 and not tainted then
    alone = 1
    if ARGV[3] then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
  end
end
announce(KEYS[4])
return alone`,
);

/**
 * Of a write that raised no fence. Drops, and taints the fences that stand, unless there is a value: that stays, and whoever
 * knows what the write left has to see whether it may. Where a value is, no fence stands: raising one drops it.
 * Keys: value, token, fences, marker, settling?. Arguments: stamp; for how long it settles in ms.
 * Answers the value as it was put, or 0.
 */
export const tellItemStep = step(
  'tellItem',
  4,
  `${nowMs}${announce}${settle}${standing}
local value = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[2])
settle(KEYS[5], ARGV[2])
if value and string.sub(value, 1, #ARGV[1]) == ARGV[1] then
  announce(KEYS[4])
  return value
end
redis.call('DEL', KEYS[1])
local count, tainted = standing(KEYS[3], nowMs())
if count > 0 and not tainted then redis.call('ZADD', KEYS[3], 'inf', '') end
announce(KEYS[4])
return 0`,
);

/** In place of a fence's id: a write that raised none. */
export const noFence = '-';

/** Keys: page. Answers the page as it was put with what is left of its life, or null. */
export const readPageStep = step(
  'readPage',
  1,
  `
local value = redis.call('GET', KEYS[1])
return value and {value, redis.call('PTTL', KEYS[1])}`,
  'read only',
);

/** Keys: page. Arguments: value, its life in ms. */
export const fillPageStep = step(
  'fillPage',
  1,
  `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`,
);

/**
 * Keys: generation, settling?. Arguments: stamp of the process, id for a new one, its life in ms from now.
 * Answers the id of the generation, which is a new one where there was none, or one of another process; behind
 * `unsettled` where that is so.
 */
export const generationStep = step(
  'generation',
  1,
  `${answerUnsettled}
local id = redis.call('GET', KEYS[1])
if id and string.sub(id, 1, #ARGV[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return answer(id, KEYS[2])
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return answer(ARGV[2], KEYS[2])`,
);

/** Keys: generation, marker, settling?. Arguments: for how long it settles in ms. */
export const dropGenerationStep = step(
  'dropGeneration',
  2,
  `${announce}${settle}
redis.call('DEL', KEYS[1])
settle(KEYS[3], ARGV[1])
announce(KEYS[2])
return 1`,
);

/**
 * Reads the record, and writes a new one where there is none, or one of another process, or of another fingerprint:
 * but that is replaced only if it is old enough, lest two proxies that disagree void the table over and over.
 * Keys: record, marker. Arguments: process, fingerprint, new version, the record's life in ms, how old a fingerprint has to be in ms.
 * Answers version of the items, that of the pages, for how long in ms each is held, how old in ms the record is; or null
 * for the other fingerprint.
 */
export const readRecordStep = step(
  'readRecord',
  2,
  `${nowMs}${announce}
local now = nowMs()
local record = redis.call('HMGET', KEYS[1], 'r', 'v', 'p', 'f', 'h', 'q', 'c', 'b')
local held = math.max(0, (tonumber(record[5]) or 0) - now)
local pagesHeld = math.max(0, (tonumber(record[6]) or 0) - now)
local made = record[1] == ARGV[1] and record[8] or now
if record[1] == ARGV[1] and record[4] == ARGV[2] then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
  return {record[2], record[3], held, pagesHeld, now - made}
end
if record[1] == ARGV[1] and now - record[7] < tonumber(ARGV[5]) then return false end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'r', ARGV[1], 'v', ARGV[3], 'p', ARGV[3], 'f', ARGV[2],
  'h', now + held, 'q', now + pagesHeld, 'c', now, 'b', made)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
announce(KEYS[2])
return {ARGV[3], ARGV[3], held, pagesHeld, now - made}`,
);

/**
 * Gives the pages, and for the scope 'all' the items as well, a new version, and holds them.
 * Keys: record, marker. Arguments: process, scope, new version, hold in ms, the record's life in ms.
 */
export const voidStep = step(
  'void',
  2,
  `${nowMs}${announce}
local now = nowMs()
local record = redis.call('HMGET', KEYS[1], 'r', 'v', 'f', 'h', 'q', 'c', 'b')
local heldUntil = now + ARGV[4]
local version, held = record[2], tonumber(record[4]) or 0
if record[1] ~= ARGV[1] or ARGV[2] == 'all' then version = ARGV[3] end
if ARGV[2] == 'all' then held = math.max(held, heldUntil) end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'r', ARGV[1], 'v', version, 'p', ARGV[3], 'f', record[3] or '', 'h', held,
  'q', math.max(tonumber(record[5]) or 0, heldUntil), 'c', record[6] or 0,
  'b', record[1] == ARGV[1] and record[7] or now)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
announce(KEYS[2])
return 1`,
);

/**
 * Keys: record. Arguments: process.
 * Answers the fingerprint, for how long in ms items are held, and pages; null where there is no record of this process.
 */
export const checkRecordStep = step(
  'checkRecord',
  1,
  `${nowMs}
local record = redis.call('HMGET', KEYS[1], 'r', 'f', 'h', 'q')
if record[1] ~= ARGV[1] then return false end
local now = nowMs()
return {record[2], math.max(0, record[3] - now), math.max(0, record[4] - now)}`,
  'read only',
);

/**
 * Keys: proxies, tables of this one. Arguments: id of the proxy, after how many ms of silence another one is dead.
 * Answers how many tables are known of this one, or -1 if it was unknown itself, and 100 of the dead at most.
 */
export const beatStep = step(
  'beat',
  2,
  `${nowMs}
local now = nowMs()
local isKnown = redis.call('ZREM', KEYS[1], ARGV[1]) == 1
redis.call('ZADD', KEYS[1], now, ARGV[1])
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[2]), 'LIMIT', 0, 100)
return {isKnown and redis.call('SCARD', KEYS[2]) or -1, dead}`,
);

/** Keys: proxies, tables of this one. Arguments: id of the proxy, tables that it writes to. */
export const registerStep = step(
  'register',
  2,
  `${nowMs}
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], nowMs(), ARGV[1])
redis.call('SADD', KEYS[2], unpack(ARGV, 2))
return 1`,
);

/** Keys: tables of a proxy. Answers them in any order. */
export const writtenTablesStep = step(
  'writtenTables',
  1,
  `return redis.call('SMEMBERS', KEYS[1])`,
  'read only',
);

/**
 * Keys: proxies, tables of this one. Arguments: id of the proxy, after how many ms of silence it is dead; below 0 it is in any case.
 * Forgets it if it is dead still. Answers 1 if so.
 */
export const unregisterStep = step(
  'unregister',
  2,
  `${nowMs}
local seen = redis.call('ZSCORE', KEYS[1], ARGV[1])
if seen and seen + 0 > nowMs() - ARGV[2] then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
return 1`,
);

function step(name: string, keyCount: number, lua: string, effect?: 'read only'): Step {
  return { name, lua: lua.trim(), keyCount, readOnly: effect === 'read only' };
}
