import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { nodeFiles } from '../../engine/files.ts';
import { scanLog } from '../../engine/log/scan.ts';
import { createTable, Folder, repeatUntilGone } from './crash-harness.ts';

const rounds = Number(process.env.CRASH_ROUNDS ?? 12);
const writers = 24;
const TableName = 'Survivors';

const folder = new Folder();

/** What one writer knows of its two items: what it was told, and what it last asked for. */
class Writer {
  readonly id: string;
  putAcknowledged = 0;
  putSent = 0;
  addsAcknowledged = 0;
  addsSent = 0;

  constructor(id: string) {
    this.id = id;
  }

  async next(client: DynamoDBClient): Promise<void> {
    await client.send(new PutItemCommand({ TableName, Item: versioned(this.id, ++this.putSent) }));
    this.putAcknowledged = this.putSent;
    this.addsSent++;
    await client.send(new UpdateItemCommand(increment(this.id)));
    this.addsAcknowledged = this.addsSent;
  }

  async check(client: DynamoDBClient): Promise<void> {
    const put = await client.send(new GetItemCommand({ TableName, Key: { id: { S: this.id } } }));
    const version = Number(put.Item?.version?.N ?? 0);
    expect(version).toBeGreaterThanOrEqual(this.putAcknowledged);
    expect(version).toBeLessThanOrEqual(this.putSent);
    if (put.Item !== undefined) expect(put.Item).toEqual(versioned(this.id, version));
    const counter = await client.send(
      new GetItemCommand({ TableName, Key: { id: { S: `${this.id}-counter` } } }),
    );
    const count = Number(counter.Item?.count?.N ?? 0);
    expect(count).toBeGreaterThanOrEqual(this.addsAcknowledged);
    expect(count).toBeLessThanOrEqual(this.addsSent);
    this.putSent = version;
    this.addsSent = count;
  }
}

/** An item whose parts belong together: a torn one would show. */
function versioned(id: string, version: number) {
  const text = createHash('sha256').update(`${id} ${version}`).digest('hex');
  return { id: { S: id }, version: { N: String(version) }, text: { S: text.repeat(1 + (version % 20)) } };
}

function increment(id: string) {
  return {
    TableName,
    Key: { id: { S: `${id}-counter` } },
    UpdateExpression: 'ADD #count :one',
    ExpressionAttributeNames: { '#count': 'count' },
    ExpressionAttributeValues: { ':one': { N: '1' } },
  };
}

async function lastSequence(): Promise<number> {
  const { problems, segments } = await scanLog(nodeFiles, join(folder.path, 'log'));
  expect(problems).toEqual([]);
  return Math.max(0, ...segments.map((segment) => segment.lastSequence ?? 0));
}

describe('kill -9 in the middle of heavy writing', () => {
  test(
    `${rounds} times: every acknowledged write is there, whole, and sequence numbers go on rising`,
    async () => {
      const all = Array.from({ length: writers }, (_, i) => new Writer(`writer-${i}`));
      let sequence = 0;
      let acknowledged = 0;
      for (let round = 0; round < rounds; round++) {
        const server = await folder.start('--log-segment-size', '1MB');
        const { client } = server;
        if (round === 0) await createTable(client, TableName);
        for (const writer of all) await writer.check(client);
        const writing = all.map((writer) => repeatUntilGone(() => writer.next(client)));
        await untilWritten(all, acknowledged + 300 + Math.floor(Math.random() * 2000));
        await server.kill(writing);
        const total = acknowledgedBy(all);
        expect(total).toBeGreaterThan(acknowledged);
        acknowledged = total;
        const after = await lastSequence();
        expect(after).toBeGreaterThan(sequence);
        sequence = after;
      }
      await checkAfterwards(all);
    },
    rounds * 10_000,
  );
});

function acknowledgedBy(all: readonly Writer[]): number {
  return all.reduce((sum, writer) => sum + writer.putAcknowledged + writer.addsAcknowledged, 0);
}

async function untilWritten(all: readonly Writer[], count: number): Promise<void> {
  while (acknowledgedBy(all) < count) await new Promise((resolve) => setImmediate(resolve));
}

/** The last word has the checker, and a start of its own. */
async function checkAfterwards(all: readonly Writer[]): Promise<void> {
  await folder.expectSound();
  const server = await folder.start('engine');
  for (const writer of all) await writer.check(server.client);
  const { Count } = await server.client.send(new ScanCommand({ TableName, Select: 'COUNT' }));
  expect(Count).toBe(2 * writers);
  await server.endCleanly();
}
