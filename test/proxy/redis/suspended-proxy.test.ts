import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trackedPrefix } from '../../../proxy/cache/redis/names.ts';
import { Program } from '../../program.ts';
import { type OwnRedis, redisObstacle, startOwnRedis } from '../../services/redis.ts';
import { Door } from '../fleet-programs.ts';
import { otherClient } from './connection-fixture.ts';

/** Longer than a heartbeat proves what was announced before it. */
const suspendedMs = 3_500;
const TableName = 'items';
const ids = Array.from({ length: 100 }, (_, i) => `item ${i}`);

/**
 * Two proxies, as programs, share a Redis. One is stopped, as a machine that is paused would be, while the other one
 * writes; when it goes on, its clients' questions are there as early as the announcements.
 */
describe.skipIf(redisObstacle() !== undefined)('a proxy that was suspended', () => {
  const data = mkdtempSync(join(tmpdir(), 'slipstream-suspended-'));
  let redis: OwnRedis;
  let engine: Program;
  let proxies: Program[];
  let doors: [Door, Door];

  beforeAll(async () => {
    redis = await startOwnRedis();
    engine = Program.run(['engine', '--port', '0', '--data', data]);
    const upstream = await engine.ready();
    const words = ['proxy', '--port', '0', '--upstream', upstream, '--redis', redis.url, '--settle-ms', '0'];
    proxies = [Program.run(words), Program.run(words)];
    const [one = '', other = ''] = await Promise.all(proxies.map((proxy) => proxy.ready()));
    doors = [new Door(one), new Door(other)];
    await doors[0].call('CreateTable', {
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    });
  }, 60_000);

  afterAll(async () => {
    for (const door of doors) door.close();
    await Promise.all([...proxies, engine].map((program) => program.end('SIGKILL')));
    await redis.stop();
    rmSync(data, { recursive: true, force: true });
  });

  test('answers with nothing that was changed meanwhile', async () => {
    const [writer, sleeper] = doors;
    const [, process] = proxies;
    await putAll(writer, '1');
    for (let i = 0; i < 3; i++) expect(await readAll(sleeper)).toEqual(ids.map(() => '1'));

    process?.process.kill('SIGSTOP');
    await announceMuch(redis);
    await putAll(writer, '2');
    await delay(suspendedMs);
    const reading = readAll(sleeper);
    // So that all questions wait as well.
    await delay(100);
    process?.process.kill('SIGCONT');
    expect(await reading).toEqual(ids.map(() => '2'));
  });
});

/** More than the proxy reads of one connection before it turns to the next one. */
async function announceMuch({ server }: OwnRedis): Promise<void> {
  const client = otherClient(server.port);
  const lua = `
for i = 1, 4000 do
  local name = KEYS[1] .. i
  redis.call('SET', name, '')
  redis.call('DEL', name)
end`;
  await client.eval(lua, 1, `${trackedPrefix}x:${'-'.repeat(1_000)}`);
  client.disconnect();
}

async function putAll(door: Door, v: string): Promise<void> {
  await Promise.all(
    ids.map((id) => door.call('PutItem', { TableName, Item: { id: { S: id }, v: { S: v } } })),
  );
}

function readAll(door: Door): Promise<(string | undefined)[]> {
  return Promise.all(
    ids.map(async (id) => {
      const { Item: item } = await door.call('GetItem', { TableName, Key: { id: { S: id } } });
      return (item as { v: { S: string } } | undefined)?.v.S;
    }),
  );
}
