import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type JobRecord, JobStore } from '../../../engine/transfer/job-store.ts';
import { silentLogger } from '../../silent-logger.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-jobs-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = () => JobStore.open<JobRecord>(directory, silentLogger);

function record(id: string, more: Partial<JobRecord> = {}): JobRecord {
  return {
    id,
    region: 'us-east-1',
    tableName: 'music',
    tableId: 'id',
    clientToken: 'token',
    startMs: 1000,
    status: 'IN_PROGRESS',
    ...more,
  };
}

test('what was remembered is there after a restart, the newest first', async () => {
  const store = await open();
  await store.add(record('1'));
  await store.add(record('2'));
  await store.update(record('1', { status: 'COMPLETED', endMs: 2000 }));
  await store.add(record('3'));
  await store.remove('3');
  const again = await open();
  expect(again.all()).toEqual([record('2'), record('1', { status: 'COMPLETED', endMs: 2000 })]);
  expect(again.countUnderWay()).toBe(1);
});

test('a record is told of from the call on, and not where it cannot be written', async () => {
  const store = await open();
  const adding = store.add(record('1'));
  expect(store.get('1')).toEqual(record('1'));
  await adding;
  rmSync(directory, { recursive: true });
  await expect(store.add(record('2'))).rejects.toMatchObject({ code: 'ENOENT' });
  expect(store.get('2')).toBeUndefined();
});

test('what a crash has left half-written goes, and what cannot be read is left alone and told of', async () => {
  writeFileSync(join(directory, '1.json.partial'), '{');
  writeFileSync(join(directory, '2.json'), '{');
  const errors: object[] = [];
  const log = { ...silentLogger, error: (details: object) => void errors.push(details) };
  const store = await JobStore.open<JobRecord>(directory, log);
  expect(store.all()).toEqual([]);
  expect(readdirSync(directory)).toEqual(['2.json']);
  expect(errors).toMatchObject([{ path: join(directory, '2.json') }]);
});

test('a token stands for the newest request of its region, for a time', async () => {
  const store = await open();
  await store.add(record('1', { startMs: 1000 }));
  await store.add(record('2', { startMs: 5000, region: 'eu-west-1' }));
  await store.add(record('3', { startMs: 3000 }));
  expect(store.byToken('us-east-1', 'token', 0)?.id).toBe('3');
  expect(store.byToken('us-east-1', 'token', 3001)).toBeUndefined();
  expect(store.byToken('us-east-1', 'other', 0)).toBeUndefined();
});

test('only what has ended before is forgotten', async () => {
  const store = await open();
  await store.add(record('1', { status: 'FAILED', endMs: 2000 }));
  await store.add(record('2', { status: 'COMPLETED', endMs: 3000 }));
  await store.add(record('3'));
  await store.removeEndedBefore(3000);
  expect((await open()).all().map(({ id }) => id)).toEqual(['3', '2']);
});

test('ids are of their time, and no two are the same', async () => {
  const store = await open();
  const ids = Array.from({ length: 100 }, () => store.newId(1_791_506_414_432));
  expect(new Set(ids).size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^01791506414432-[0-9a-f]{8}$/);
});
