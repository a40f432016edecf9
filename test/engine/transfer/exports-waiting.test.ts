import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Catalog } from '../../../engine/catalog.ts';
import type { LoadPlan } from '../../../engine/history/load-plan.ts';
import type { TableDefinition } from '../../../engine/table-definition.ts';
import type { ExportRecord } from '../../../engine/transfer/export-record.ts';
import { Exports } from '../../../engine/transfer/exports.ts';
import { systemClock } from '../../../protocol/clock.ts';
import { silentLogger } from '../../silent-logger.ts';

/* Exports that wait for a history which takes its time. */

let directory: string;
let pinned: (() => void)[];
let released: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-exports-'));
  pinned = [];
  released = 0;
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const plan: LoadPlan = { base: 'base', changes: [], table: 1, through: { timeMs: 0 } };
const table = { number: 1, id: 'id', region: 'us-east-1', name: 'music' } as TableDefinition;

const asked: Omit<ExportRecord, 'id' | 'status'> = {
  region: 'us-east-1',
  tableName: 'music',
  tableId: 'id',
  clientToken: 'token',
  digest: 'digest',
  startMs: 1_790_000_000_000,
  bucket: 'my-bucket',
  format: 'DYNAMODB_JSON',
  namesFullType: false,
  of: { kind: 'full', exportMs: 0, throughMs: 0 },
};

function open(): Promise<Exports> {
  const settle = () =>
    new Promise<{ plan: LoadPlan; release: () => void }>((resolve) => {
      pinned.push(() => resolve({ plan, release: () => released++ }));
    });
  return Exports.open({
    directory: join(directory, 'exports'),
    workDirectory: join(directory, 'work'),
    buckets: { kind: 'folder', directory },
    histories: {
      plan: settle,
      changesBetween: () => Promise.reject(new Error('no changes are asked for')),
      restorable: () => undefined,
    },
    catalog: new Catalog(),
    clock: systemClock,
    log: silentLogger,
  });
}

test('three hundred are under way at once, and no more', async () => {
  const exports = await open();
  await Promise.all(Array.from({ length: 300 }, () => exports.begin(asked, table)));
  await expect(exports.begin(asked, table)).rejects.toMatchObject({ code: 'LimitExceededException' });
  expect(exports.list('us-east-1')).toHaveLength(300);
  await exports.close();
});

test('they are given up when the engine closes; what is pinned after that is released', async () => {
  const exports = await open();
  const { id } = await exports.begin(asked, table);
  await exports.close();
  for (const pin of pinned) pin();
  await expect.poll(() => released).toBe(1);
  expect(exports.find(id)?.status).toBe('IN_PROGRESS');
  const next = await open();
  await expect.poll(() => next.find(id)?.status).toBe('FAILED');
  expect(next.find(id)).toMatchObject({ failureCode: 'PointInTimeRecoveryUnavailable' });
  await next.close();
});
