import { unsettled } from '../../../proxy/cache/redis/steps.ts';
import type { Keyspace } from './keyspace.ts';

/*
 * The steps of proxy/cache/redis/steps.ts, in TypeScript, line by line; twin.test.ts compares the two.
 */

export type Answer = string | number | null | readonly Answer[];

type TwinStep = (redis: Keyspace, keys: readonly string[], args: readonly string[]) => Answer;

export const twinSteps: Readonly<Record<string, TwinStep>> = {
  readItem(redis, keys, args) {
    const [value, token, fences] = three(keys);
    const settling = keys[3];
    const [stamp, id, lifeMs] = three(args);
    const cached = redis.get(value);
    if (cached?.startsWith(stamp)) return [cached, redis.lifeLeftMs(value)];
    const now = redis.now();
    if (redis.zrange(fences).some(([, end]) => end > now && end !== Infinity)) return 0;
    const standing = redis.get(token) ?? id;
    redis.set(token, standing, Number(lifeMs));
    return answer(redis, standing, settling);
  },

  fillItem(redis, keys, args) {
    const [value, token] = two(keys);
    const [id, bytes, lifeMs] = three(args);
    if (redis.get(token) !== id) return 0;
    redis.set(value, bytes, Number(lifeMs));
    redis.del(token);
    return 1;
  },

  raise(redis, keys, args) {
    const [value, token, fences, marker] = four(keys);
    const [id, lifeMs] = two(args);
    redis.del(value, token);
    const now = redis.now();
    const { count, isTainted } = standing(redis, fences, now);
    const isAlone = count === 0 || (count === 1 && redis.zscore(fences, id) !== undefined);
    if (!isAlone && !isTainted) redis.zadd(fences, Infinity, '');
    redis.zadd(fences, now + Number(lifeMs), id);
    const ends = redis.zrange(fences).flatMap(([, end]) => (end === Infinity ? [] : [end]));
    redis.expireAt(fences, Math.max(...ends));
    announce(redis, marker);
    return 1;
  },

  lower(redis, keys, args) {
    const [value, token, fences, marker] = four(keys);
    const [id, settleMs] = two(args);
    const [bytes, lifeMs] = args.slice(2);
    redis.del(value, token);
    settle(redis, keys[4], settleMs);
    const { count, isTainted } = standing(redis, fences, redis.now());
    const stood = redis.zrem(fences, id) ? 1 : 0;
    let alone = 0;
    if (count > stood) {
      if (!isTainted) redis.zadd(fences, Infinity, '');
    } else {
      redis.del(fences);
      if (stood === 1 && !isTainted) {
        alone = 1;
        if (bytes !== undefined) redis.set(value, bytes, Number(lifeMs));
      }
    }
    announce(redis, marker);
    return alone;
  },

  tellItem(redis, keys, args) {
    const [value, token, fences, marker] = four(keys);
    const [stamp, settleMs] = two(args);
    const cached = redis.get(value);
    redis.del(token);
    settle(redis, keys[4], settleMs);
    if (cached?.startsWith(stamp)) {
      announce(redis, marker);
      return cached;
    }
    redis.del(value);
    const { count, isTainted } = standing(redis, fences, redis.now());
    if (count > 0 && !isTainted) redis.zadd(fences, Infinity, '');
    announce(redis, marker);
    return 0;
  },

  readPage(redis, keys) {
    const [page] = one(keys);
    const value = redis.get(page);
    return value === undefined ? null : [value, redis.lifeLeftMs(page)];
  },

  fillPage(redis, keys, args) {
    const [page] = one(keys);
    const [value, lifeMs] = two(args);
    redis.set(page, value, Number(lifeMs));
    return 1;
  },

  generation(redis, keys, args) {
    const [name] = one(keys);
    const [stamp, newId, lifeMs] = three(args);
    const id = redis.get(name);
    if (id?.startsWith(stamp)) {
      redis.expireAt(name, redis.now() + Number(lifeMs));
      return answer(redis, id, keys[1]);
    }
    redis.set(name, newId, Number(lifeMs));
    return answer(redis, newId, keys[1]);
  },

  dropGeneration(redis, keys, args) {
    const [name, marker] = two(keys);
    const [settleMs] = one(args);
    redis.del(name);
    settle(redis, keys[2], settleMs);
    announce(redis, marker);
    return 1;
  },

  readRecord(redis, keys, args) {
    const [name, marker] = two(keys);
    const [process, fingerprint, newVersion] = three(args);
    const [lifeMs, fingerprintMs] = two(args.slice(3));
    const now = redis.now();
    const fields = redis.hmget(name, 'r', 'v', 'p', 'f', 'h', 'q', 'c', 'b');
    const [r, v = '', p = '', f, h = 0, q = 0, c, b] = fields;
    const held = Math.max(0, Number(h) - now);
    const pagesHeld = Math.max(0, Number(q) - now);
    const made = r === process ? Number(b) : now;
    if (r === process && f === fingerprint) {
      redis.expireAt(name, now + Number(lifeMs));
      return [v, p, held, pagesHeld, now - made];
    }
    if (r === process && now - Number(c) < Number(fingerprintMs)) return null;
    redis.del(name);
    redis.hset(name, {
      r: process,
      v: newVersion,
      p: newVersion,
      f: fingerprint,
      h: now + held,
      q: now + pagesHeld,
      c: now,
      b: made,
    });
    redis.expireAt(name, now + Number(lifeMs));
    announce(redis, marker);
    return [newVersion, newVersion, held, pagesHeld, now - made];
  },

  void(redis, keys, args) {
    const [name, marker] = two(keys);
    const [process, scope, newVersion] = three(args);
    const [holdMs, lifeMs] = two(args.slice(3));
    const now = redis.now();
    const fields = redis.hmget(name, 'r', 'v', 'f', 'h', 'q', 'c', 'b');
    const [r, v = '', f = '', h = 0, q = 0, c = 0, b = now] = fields;
    const heldUntil = now + Number(holdMs);
    redis.del(name);
    redis.hset(name, {
      r: process,
      v: r !== process || scope === 'all' ? newVersion : v,
      p: newVersion,
      f,
      h: scope === 'all' ? Math.max(Number(h), heldUntil) : h,
      q: Math.max(Number(q), heldUntil),
      c,
      b: r === process ? b : now,
    });
    redis.expireAt(name, now + Number(lifeMs));
    announce(redis, marker);
    return 1;
  },

  checkRecord(redis, keys, args) {
    const [name] = one(keys);
    const [process] = one(args);
    const [r, f = '', h, q] = redis.hmget(name, 'r', 'f', 'h', 'q');
    if (r !== process) return null;
    const now = redis.now();
    return [f, Math.max(0, Number(h) - now), Math.max(0, Number(q) - now)];
  },

  beat(redis, keys, args) {
    const [proxies, tables] = two(keys);
    const [id, deadMs] = two(args);
    const now = redis.now();
    const isKnown = redis.zrem(proxies, id);
    redis.zadd(proxies, now, id);
    const dead = redis.zrange(proxies).filter(([, seen]) => seen < now - Number(deadMs));
    return [isKnown ? redis.smembers(tables).length : -1, dead.slice(0, 100).map(([proxy]) => proxy)];
  },

  register(redis, keys, args) {
    const [proxies, tables] = two(keys);
    const [id] = one(args);
    redis.zrem(proxies, id);
    redis.zadd(proxies, redis.now(), id);
    redis.sadd(tables, ...args.slice(1));
    return 1;
  },

  writtenTables(redis, keys) {
    const [tables] = one(keys);
    return redis.smembers(tables);
  },

  unregister(redis, keys, args) {
    const [proxies, tables] = two(keys);
    const [id, deadMs] = two(args);
    const seen = redis.zscore(proxies, id);
    if (seen !== undefined && seen > redis.now() - Number(deadMs)) return 0;
    redis.zrem(proxies, id);
    redis.del(tables);
    return 1;
  },
};

function standing(redis: Keyspace, fences: string, now: number): { count: number; isTainted: boolean } {
  redis.zremUpTo(fences, now);
  const count = redis.zcard(fences);
  if (count === 0 || redis.zscore(fences, '') === undefined) return { count, isTainted: false };
  if (count > 1) return { count: count - 1, isTainted: true };
  redis.del(fences);
  return { count: 0, isTainted: false };
}

function settle(redis: Keyspace, name: string | undefined, ms: string): void {
  if (name !== undefined) redis.set(name, '', Number(ms));
}

function answer(redis: Keyspace, id: string, settling: string | undefined): string {
  return settling !== undefined && redis.exists(settling) ? unsettled + id : id;
}

function announce(redis: Keyspace, marker: string): void {
  redis.set(marker, '');
  redis.del(marker);
}

function one(texts: readonly string[]): [string] {
  const [first] = texts;
  if (first === undefined) throw new Error('ERR a key or an argument is missing');
  return [first];
}

function two(texts: readonly string[]): [string, string] {
  return [...one(texts), ...one(texts.slice(1))];
}

function three(texts: readonly string[]): [string, string, string] {
  return [...two(texts), ...one(texts.slice(2))];
}

function four(texts: readonly string[]): [string, string, string, string] {
  return [...three(texts), ...one(texts.slice(3))];
}
