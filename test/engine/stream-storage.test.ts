import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { hourMs, StreamEngine } from './stream-harness.ts';

/* Where records lie: the log is kept as long as a stream needs it, and not longer. */

let engine: StreamEngine;
let arn: string;

beforeEach(async () => {
  engine = await StreamEngine.open({ logSegmentBytesMax: 1024 * 1024, streamShards: 2 });
  arn = await engine.createTable('items');
});
afterEach(() => engine.engine.remove());

const text = { S: 'x'.repeat(50_000) };

/** Several segments of log. @returns the keys. */
async function fill(table: string, prefix: string): Promise<string[]> {
  const keys = Array.from({ length: 60 }, (_, i) => `${prefix} ${i}`);
  for (const key of keys) await engine.put(table, key, { text });
  return keys;
}

function segments(): string[] {
  return readdirSync(join(engine.engine.directory, 'log')).sort();
}

async function keysRead(): Promise<(unknown | undefined)[]> {
  return (await engine.records(arn)).map(({ dynamodb }) => dynamodb.Keys.p?.S).sort();
}

test('what has left memory is read from the log, over restarts', async () => {
  const keys = [...(await fill('items', 'a')), ...(await fill('items', 'b'))].sort();
  await engine.engine.reopen();
  expect(segments().length).toBeGreaterThan(4);
  expect(await keysRead()).toEqual(keys);
  const more = await fill('items', 'c');
  expect(await keysRead()).toEqual([...keys, ...more].sort());
  await engine.engine.reopen();
  expect(await keysRead()).toEqual([...keys, ...more].sort());
});

test('segments stay for a day, and go then', async () => {
  await fill('items', 'a');
  const [first] = segments();
  await engine.engine.reopen();
  expect(segments()[0]).toBe(first);
  engine.advance(24 * hourMs + 1);
  await engine.put('items', 'young');
  await engine.engine.reopen();
  await engine.put('items', 'younger');
  await engine.engine.reopen();
  expect(segments()[0]).not.toBe(first);
  expect(await keysRead()).toEqual(['young', 'younger']);
});

test('tables without a stream keep nothing', async () => {
  await engine.engine.createTable('other');
  const [first] = segments();
  await fill('other', 'a');
  await engine.engine.reopen();
  expect(segments()[0]).not.toBe(first);
  expect(await keysRead()).toEqual([]);
});

test('a check of the folder takes what is kept for sound', async () => {
  await fill('items', 'a');
  await engine.engine.engine.close();
  expect((await checkDataDirectory(engine.engine.directory)).problems).toEqual([]);
  await engine.engine.reopen();
});

test('damage in what is kept is named on the next start', async () => {
  await fill('items', 'a');
  await engine.engine.engine.close();
  const path = join(engine.engine.directory, 'log', segments()[0] ?? '');
  const bytes = readFileSync(path);
  const intact = Buffer.from(bytes);
  bytes.writeUInt8(bytes.readUInt8(100_000) ^ 1, 100_000);
  writeFileSync(path, bytes);
  await expect(engine.engine.reopen()).rejects.toThrow(/damaged at offset \d+/);
  writeFileSync(path, intact);
  await engine.engine.reopen();
});

test('reads of the log are refused where there are too many at once, and go on afterwards', async () => {
  await fill('items', 'a');
  await engine.engine.reopen();
  const [shard] = await engine.shards(arn);
  const iterator = await engine.iterator(arn, shard?.ShardId ?? '');
  const results = await Promise.allSettled(Array.from({ length: 70 }, () => engine.page(iterator, 1)));
  const refused = results.filter((result) => result.status === 'rejected');
  expect(refused).toHaveLength(6);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'LimitExceededException' });
  expect((await engine.page(iterator, 1)).Records).toHaveLength(1);
});
