import { randomUUID } from 'node:crypto';
import type { RedisNodes, Step } from '../cache/redis/node.ts';
import type { Claim, Claims } from './claims.ts';
import type { Position, StreamPositions } from './followed-table.ts';

/** A claim that is not renewed ends after this time, so that another process takes over. */
const claimMs = 5_000;
/** Positions are gone on from for so long after the table was followed last; after that, what is cached may be too old. */
const positionsMs = 15_000;

/**
 * The election of each table's follower, through Redis: a claim is a name with a life, held by whoever set it; beside it,
 * in the same slot, lie the positions.
 *
 * Invariants.
 *  1. A claim is set, kept and given up only by its holder, each in one step. Two processes hold it at once only for as
 *     long as one of them does not know that it has lost it, as when Redis has forgotten it.
 *  2. Positions are written only by the holder, after the delivery. Whatever is written late, lost, or comes back with an
 *     older state of Redis is a position before what was delivered: going on from it delivers more, not less.
 *  3. A position is written only beside those of the other shards: what is stored is complete, or is not there. A shard
 *     that is not among them was not known to the holder, and so is read from its beginning.
 *  4. Positions live only as long as `positionsMs` from the last moment at which their table's following was sound.
 */
export class Election implements Claims {
  readonly claimMs = claimMs;
  readonly #nodes: Pick<RedisNodes, 'nodeOf'>;
  readonly #id: string;

  /** @param id of this process; another one each time that it starts. */
  constructor(nodes: Pick<RedisNodes, 'nodeOf'>, id: string = randomUUID()) {
    this.#nodes = nodes;
    this.#id = id;
  }

  async claim(tableId: string, isSound: boolean): Promise<Claim> {
    const answer = await this.#run(claimStep, tableId, [claimMs, isSound ? positionsMs : 0]);
    if (answer === undefined) return 'unknown';
    return answer === 1 ? 'held' : 'other';
  }

  async release(tableId: string): Promise<void> {
    await this.#run(releaseStep, tableId, []);
  }

  async positions(tableId: string): Promise<StreamPositions | undefined> {
    const answer = await this.#run(positionsStep, tableId, []);
    const fields = Array.isArray(answer) ? answer.map(String) : [];
    let streamArn: string | undefined;
    const shards = new Map<string, Position>();
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const [name = '', value = ''] = fields.slice(i, i + 2);
      if (name === streamField) streamArn = value;
      else shards.set(name, value);
    }
    return streamArn === undefined ? undefined : { streamArn, shards };
  }

  async store(tableId: string, positions: StreamPositions | undefined): Promise<void> {
    const fields =
      positions === undefined ? [] : [streamField, positions.streamArn, ...[...positions.shards].flat()];
    await this.#run(storeStep, tableId, [positionsMs, ...fields]);
  }

  /** What could not be written is written with the shard's next position. */
  async advance(tableId: string, shardId: string, position: Position): Promise<boolean> {
    const answer = await this.#run(advanceStep, tableId, [shardId, position]);
    return answer !== 0;
  }

  /** @returns undefined where Redis did not answer, or with an error: the shared cache counts and tells these. */
  async #run(step: Step, tableId: string, args: readonly (string | number)[]): Promise<unknown> {
    const [claim, positions] = namesOf(tableId);
    try {
      return await this.#nodes.nodeOf(claim)?.run(step, [claim, positions], [this.#id, ...args]);
    } catch {
      return undefined;
    }
  }
}

/** Beside the shards' ids, none of which begins like this. */
const streamField = '@stream';

function namesOf(tableId: string): readonly [claim: string, positions: string] {
  const tag = `{${Buffer.from(tableId).toString('base64url')}}`;
  return [`slipstream:follower:${tag}`, `slipstream:positions:${tag}`];
}

/** Each begins with: keys: claim, positions; arguments: the process, then its own. */
function newStep(name: string, lua: string, readOnly = false): Step {
  return { name, lua, keyCount: 2, readOnly };
}

/** Arguments: the claim's life, the positions' life or 0 to leave it. Answers 1 if held, else 0. */
const claimStep = newStep(
  'claimTable',
  `
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if tonumber(ARGV[3]) > 0 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return 1`,
);

const releaseStep = newStep(
  'releaseTable',
  `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`,
);

/** Answers all fields and values. */
const positionsStep = newStep('positions', `return redis.call('HGETALL', KEYS[2])`, true);

/** Arguments: their life, then fields and values. */
const storeStep = newStep(
  'storePositions',
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 1 end
redis.call('DEL', KEYS[2])
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1`,
);

/** Arguments: field, value. Answers 0 where there are none that it could be written beside. */
const advanceStep = newStep(
  'advancePosition',
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 1 end
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
return 1`,
);
