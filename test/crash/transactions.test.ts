import {
  type DynamoDBClient,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { createTable, Folder, repeatUntilGone } from './crash-harness.ts';

const rounds = Number(process.env.CRASH_ROUNDS ?? 4);
const writers = 16;
const TableName = 'Ledger';

const folder = new Folder();

/** Counts in two items at once, and begins each round with the request that the round before left unanswered. */
class Writer {
  readonly id: string;
  sent = 0;
  acknowledged = 0;

  constructor(id: string) {
    this.id = id;
  }

  async next(client: DynamoDBClient): Promise<void> {
    this.sent = this.acknowledged + 1;
    await this.#send(client, this.sent);
    this.acknowledged = this.sent;
  }

  /** Sends the last request once more, whether it was answered or not. */
  async repeat(client: DynamoDBClient): Promise<void> {
    if (this.sent === 0) return;
    await this.#send(client, this.sent);
    this.acknowledged = this.sent;
  }

  async check(client: DynamoDBClient): Promise<void> {
    const gets = this.#keys.map((Key) => ({ Get: { TableName, Key } }));
    const { Responses } = await client.send(new TransactGetItemsCommand({ TransactItems: gets }));
    const counts = Responses?.map(({ Item }) => Number(Item?.n?.N ?? 0));
    expect(counts).toEqual([this.acknowledged, this.acknowledged]);
  }

  get #keys() {
    return ['left', 'right'].map((side) => ({ id: { S: `${this.id}-${side}` } }));
  }

  async #send(client: DynamoDBClient, request: number): Promise<void> {
    const TransactItems = this.#keys.map((Key) => ({
      Update: {
        TableName,
        Key,
        UpdateExpression: 'ADD n :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      },
    }));
    const ClientRequestToken = `${this.id}-${request}`;
    await client.send(new TransactWriteItemsCommand({ TransactItems, ClientRequestToken }));
  }
}

test(
  `after kill -9, ${rounds} times, a transaction that is sent again with its token has happened once`,
  async () => {
    const all = Array.from({ length: writers }, (_, i) => new Writer(`writer-${i}`));
    for (let round = 0; round < rounds; round++) {
      const server = await folder.start();
      const { client } = server;
      if (round === 0) await createTable(client, TableName);
      await Promise.all(all.map((writer) => writer.repeat(client)));
      await Promise.all(all.map((writer) => writer.check(client)));
      const goal = acknowledgedBy(all) + 200 + Math.floor(Math.random() * 1000);
      const writing = all.map((writer) => repeatUntilGone(() => writer.next(client)));
      while (acknowledgedBy(all) < goal) await new Promise((resolve) => setImmediate(resolve));
      await server.kill(writing);
    }
    await checkAfterwards(all);
  },
  rounds * 10_000,
);

/** Also over a clean end, after which LMDB has the tokens and not the log. */
async function checkAfterwards(all: readonly Writer[]): Promise<void> {
  for (let start = 0; start < 2; start++) {
    const server = await folder.start();
    await Promise.all(all.map((writer) => writer.repeat(server.client)));
    await Promise.all(all.map((writer) => writer.check(server.client)));
    await server.endCleanly();
  }
  await folder.expectSound();
}

function acknowledgedBy(all: readonly Writer[]): number {
  return all.reduce((sum, writer) => sum + writer.acknowledged, 0);
}
