import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Program } from '../../program.ts';
import { HistoryEngine, region } from './history-harness.ts';

/* kill -9 under writes, with point-in-time recovery on, and what every second of it comes back as. */

const TableName = 'Killed';
const kills = 3;
const writers = 4;
const killAfterMs = 1700;

let directory: string;
let program: Program;
let dynamo: DynamoDB;
/** Of each writer: when its writes were sent and answered, in their order; write `i` counts its item up to `i`. */
const written: { readonly sentMs: number; readonly answeredMs: number | undefined }[][] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-history-kill-'));
  await start();
  await dynamo.createTable({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
  });
  await dynamo.updateContinuousBackups({
    TableName,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
});

afterAll(async () => {
  dynamo.destroy();
  await program.end('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<void> {
  const words = ['engine', '--port', '0', '--data', directory, '--log-segment-size', '1MB'];
  program = Program.run(words);
  dynamo = new DynamoDB({
    endpoint: await program.ready(),
    region,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
  });
}

/** Until the server is gone. Numbers go on where the writer was when it was killed. */
async function write(writer: number): Promise<void> {
  written[writer] ??= [];
  const own = written[writer];
  const filling = randomBytes(15_000).toString('base64');
  for (;;) {
    const sentMs = Date.now();
    const Item = { p: { S: `${writer}` }, v: { S: `${own.length}` }, filling: { S: filling } };
    try {
      await dynamo.putItem({ TableName, Item });
      own.push({ sentMs, answeredMs: Date.now() });
    } catch {
      own.push({ sentMs, answeredMs: undefined });
      return;
    }
  }
}

test('every second has what was answered by then, and nothing that was sent later', async () => {
  for (let kill = 0; kill < kills; kill++) {
    if (kill > 0) await start();
    const writing = Array.from({ length: writers }, (_, writer) => write(writer));
    await delay(killAfterMs);
    await program.end('SIGKILL');
    await Promise.all(writing);
    dynamo.destroy();
  }
  const engine = await HistoryEngine.openAt(directory, Date.now() + 1000);
  try {
    await engine.histories.wake();
    const bounds = engine.histories.restorable(engine.definition(TableName), engine.nowMs);
    if (bounds === undefined) throw new Error('it is off');
    for (let ms = bounds.earliestMs; ms <= bounds.latestMs; ms += 1000) {
      const items = await engine.restored(TableName, ms + 999);
      for (let writer = 0; writer < writers; writer++)
        expectBetween(items.get(`${writer}`), writer, ms + 1000);
    }
    expect(engine.histories.stats().tables[0]?.changeFiles).toBeGreaterThan(3);
  } finally {
    await engine.close();
  }
}, 60_000);

/** @param endMs what was committed before. */
function expectBetween(found: string | undefined, writer: number, endMs: number): void {
  const own = written[writer] ?? [];
  const answered = own.findLastIndex(({ answeredMs = Number.POSITIVE_INFINITY }) => answeredMs < endMs);
  const sent = own.findLastIndex(({ sentMs }) => sentMs < endMs);
  const last = found === undefined ? -1 : Number(found);
  expect(last).toBeGreaterThanOrEqual(answered);
  expect(last).toBeLessThanOrEqual(sent);
}
