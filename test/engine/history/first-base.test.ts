import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { scan } from '../../../engine/operation/query.ts';
import { restoreTableToPointInTime } from '../../../engine/operation/restore-table.ts';
import { describeTable, updateTable } from '../../../engine/operation/table.ts';
import { HistoryEngine, region } from './history-harness.ts';

/* A restore does not wait for the first base of a history, which takes minutes where a table is large. */

let engine: HistoryEngine;
let isHeld: Promise<void>;
let letGo: (refusal?: Error) => void;

beforeEach(async () => {
  engine = await HistoryEngine.open();
  await engine.createTable('Table');
  await engine.put('Table', 'before', '0');
  isHeld = new Promise((resolve, reject) => {
    letGo = (refusal) => (refusal === undefined ? resolve() : reject(refusal));
  });
  // It may be let go before a base is begun.
  isHeld.catch(() => {});
  const { snapshots } = engine;
  const take = snapshots.take.bind(snapshots);
  snapshots.take = (request) => isHeld.then(() => take(request));
  await engine.enable('Table');
  for (let i = 0; i < 10; i++) await engine.put('Table', `${i}`, 'x'.repeat(1000));
});

afterEach(() => engine.remove());

async function restore(RestoreDateTime: number): Promise<{ readonly BillingModeSummary?: object }> {
  const input = { SourceTableName: 'Table', TargetTableName: 'Restored', RestoreDateTime };
  const { output } = await restoreTableToPointInTime(engine.services, {
    operation: 'RestoreTableToPointInTime',
    input,
    region,
  });
  return output.TableDescription as object;
}

function described(): Record<string, unknown> {
  const request = { operation: 'DescribeTable', input: { TableName: 'Restored' }, region };
  return describeTable(engine.services, request).output.Table as Record<string, unknown>;
}

test('the reply is there at once, with the definition of the moment, and then the items of it', async () => {
  const restoreMs = engine.nowMs;
  engine.advance(2000);
  await engine.put('Table', 'later', '1');
  const ProvisionedThroughput = { ReadCapacityUnits: 5, WriteCapacityUnits: 5 };
  await updateTable(engine.services, {
    operation: 'UpdateTable',
    input: { TableName: 'Table', BillingMode: 'PROVISIONED', ProvisionedThroughput },
    region,
  });
  engine.advance(2000);
  const { BillingModeSummary: billing } = await restore(Math.floor(restoreMs / 1000));
  expect(billing).toMatchObject({ BillingMode: 'PAY_PER_REQUEST' });
  expect(described()).toMatchObject({ TableStatus: 'CREATING', RestoreSummary: { RestoreInProgress: true } });
  letGo();
  await vi.waitFor(() => expect(described().TableStatus).toBe('ACTIVE'), 20_000);
  const request = { operation: 'Scan', input: { TableName: 'Restored' }, region };
  const { Items: items } = JSON.parse((await scan(engine.services, request)).body.toString());
  const found = new Map(items.map(({ p, v }: Record<'p' | 'v', { S: string }>) => [p.S, v.S]));
  expect(found).toEqual(engine.model.at('Table', restoreMs));
});

test('where there will be no base the table goes again', async () => {
  const restoreMs = engine.nowMs;
  engine.advance(2000);
  await restore(Math.floor(restoreMs / 1000));
  letGo(new Error('nothing can be read'));
  await vi.waitFor(() => expect(engine.services.catalog.get(region, 'Restored')).toBeUndefined(), 20_000);
});

test('what has waited when the engine was closed is restored after the next start', async () => {
  const restoreMs = engine.nowMs;
  engine.advance(2000);
  await restore(Math.floor(restoreMs / 1000));
  const reopened = engine.reopen();
  letGo();
  engine = await reopened;
  await vi.waitFor(() => expect(described().TableStatus).toBe('ACTIVE'), 20_000);
  expect(described().ItemCount).toBe(engine.model.at('Table', restoreMs).size);
});
