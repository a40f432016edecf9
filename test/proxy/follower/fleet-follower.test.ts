import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchDynamoDbLocal } from '../../../bench/reference/dynamodb-local.ts';
import type { ChildServer } from '../../differential/child-server.ts';
import { startDynamoDbLocal } from '../../differential/dynamodb-local.ts';
import { Program } from '../../program.ts';
import { type OwnRedis, redisObstacle, startOwnRedis } from '../../services/redis.ts';

/*
 * Two proxies, as programs, share a Redis in front of DynamoDB Local. One of them follows the table's stream for both; it
 * is killed, and the other one goes on from its positions.
 */

const obstacle = fetchDynamoDbLocal() ?? redisObstacle();
if (obstacle !== undefined) {
  process.stderr.write(`\nSKIPPED: a fleet that follows a stream, as ${obstacle}\n\n`);
}

/** How long a write may take to be seen: the claim of a dead follower runs out after 5 s, and is taken within another. */
const seenMsMax = 15_000;
const region = 'us-east-1';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const TableName = 'items';
/** In a line of the log. */
const following = '"state":"following"';

describe.skipIf(obstacle !== undefined)('a fleet', () => {
  let server: ChildServer;
  let redis: OwnRedis;
  let direct: DynamoDB;
  let proxies: ProxyProgram[];

  beforeAll(async () => {
    [server, redis] = await Promise.all([startDynamoDbLocal(), startOwnRedis()]);
    direct = new DynamoDB({ endpoint: server.address, region, credentials });
    await direct.createTable({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    });
    proxies = await Promise.all([
      ProxyProgram.start(server.address, redis.url),
      ProxyProgram.start(server.address, redis.url),
    ]);
  }, 60_000);

  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.end('SIGTERM')));
    direct.destroy();
    await Promise.all([server.stop(), redis.stop()]);
  });

  function put(v: string): Promise<unknown> {
    return direct.putItem({ TableName, Item: { id: { S: 'a' }, v: { S: v } } });
  }

  test('sees writes around it, also after its follower was killed', async () => {
    await put('0');
    for (const proxy of proxies) await until(async () => (await proxy.read()) === '0');
    await until(() => proxies.some((proxy) => proxy.hasSaid(following)));
    const [leader, other] = proxies.sort((proxy) => (proxy.hasSaid(following) ? -1 : 1));
    if (leader === undefined || other === undefined) throw new Error('there are two proxies');
    expect(other.hasSaid(following)).toBe(false);

    // The position of the first is stored before the second is read.
    for (const v of ['1', '2']) {
      await put(v);
      for (const proxy of proxies) await until(async () => (await proxy.read()) === v);
    }

    await leader.end('SIGKILL');
    expect(await other.read()).toBe('2');
    await put('3');
    await until(async () => (await other.read()) === '3');
    await until(() => other.hasSaid(following));
    expect(other.hasSaid('may have been missed')).toBe(false);
  }, 60_000);
});

/** One proxy, and a client of it. */
class ProxyProgram {
  readonly #program: Program;
  readonly #client: DynamoDB;

  private constructor(program: Program, endpoint: string) {
    this.#program = program;
    this.#client = new DynamoDB({ endpoint, region, credentials });
  }

  static async start(upstream: string, redis: string): Promise<ProxyProgram> {
    const program = Program.run(
      [
        'proxy',
        '--port',
        '0',
        '--upstream',
        upstream,
        '--redis',
        redis,
        '--follow-streams',
        '--settle-ms',
        '0',
      ],
      { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
    );
    return new ProxyProgram(program, await program.ready());
  }

  async read(): Promise<string | undefined> {
    const { Item } = await this.#client.getItem({ TableName, Key: { id: { S: 'a' } } });
    return Item?.v?.S;
  }

  hasSaid(words: string): boolean {
    return this.#program.stderr.includes(words);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#client.destroy();
    await this.#program.end(signal);
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + seenMsMax;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) throw new Error(`not within ${seenMsMax} ms`);
    await sleep(20);
  }
}
