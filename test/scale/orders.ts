import { setTimeout as delay } from 'node:timers/promises';
import { type AttributeValue, itemSize } from '../../protocol/attribute-value.ts';
import { CallError, type Server } from './server.ts';

export const TableName = 'orders';
export const indexNames = ['by-customer', 'by-status'] as const;

type Item = Record<string, AttributeValue>;

const itemBytes = 600;
const customers = 10_007;
const batchItems = 25;
const workers = 8;
const throttledMs = 50;

/** A table of orders, 600 bytes each, in two global indexes; what the server has acknowledged of it is known. */
export class Orders {
  readonly count: number;
  /** Has started with what the one before it has left. */
  server: Server;
  /** The revision of each order. */
  readonly #revisions: Uint32Array;

  constructor(server: Server, count: number) {
    this.server = server;
    this.count = count;
    this.#revisions = new Uint32Array(count);
  }

  async create(): Promise<void> {
    await this.server.call('CreateTable', {
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'id', AttributeType: 'S' },
        { AttributeName: 'customer', AttributeType: 'S' },
        { AttributeName: 'at', AttributeType: 'N' },
        { AttributeName: 'status', AttributeType: 'S' },
      ],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-customer',
          KeySchema: [
            { AttributeName: 'customer', KeyType: 'HASH' },
            { AttributeName: 'at', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
        {
          IndexName: 'by-status',
          KeySchema: [{ AttributeName: 'status', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    });
    while ((await this.describe()).TableStatus !== 'ACTIVE') await delay(10);
  }

  describe(): Promise<Description> {
    return this.server
      .call<{ Table: Description }>('DescribeTable', { TableName })
      .then(({ Table }) => Table);
  }

  /** Puts every order once. */
  load(): Promise<void> {
    let next = 0;
    return this.#write(() => {
      const first = next;
      next += batchItems;
      return range(first, Math.min(next, this.count));
    });
  }

  /** Puts so many orders, drawn at random, once more: their index entries move. */
  overwrite(puts: number, random: () => number): Promise<void> {
    let left = puts / batchItems;
    const busy = new Set<number>();
    return this.#write(
      () => (left-- > 0 ? draw(batchItems, this.count, random, busy) : []),
      (orders) => {
        for (const order of orders) busy.delete(order);
      },
    );
  }

  /** What the server should have at this place; entries of `by-customer` are the same. */
  expected(order: number): Item {
    return orderItem(order, this.#revisions[order] as number);
  }

  /** @param next gives orders that no other call under way writes; none at the end. */
  async #write(next: () => number[], written?: (orders: number[]) => void): Promise<void> {
    const work = async (): Promise<void> => {
      for (let orders = next(); orders.length > 0; orders = next()) {
        await this.#put(orders.map((order) => orderItem(order, (this.#revisions[order] as number) + 1)));
        for (const order of orders) this.#revisions[order] = (this.#revisions[order] as number) + 1;
        written?.(orders);
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
  }

  async #put(items: readonly Item[]): Promise<void> {
    let requests: unknown[] | undefined = items.map((Item) => ({ PutRequest: { Item } }));
    while (requests !== undefined) requests = await this.#batch(requests);
  }

  /** @returns what the server has not taken. */
  async #batch(requests: unknown[]): Promise<unknown[] | undefined> {
    try {
      const { UnprocessedItems: unprocessed } = await this.server.call<{
        UnprocessedItems: Record<string, unknown[]>;
      }>('BatchWriteItem', { RequestItems: { [TableName]: requests } });
      return unprocessed[TableName];
    } catch (error) {
      if (!(error instanceof CallError) || !error.isThrottling) throw error;
      await delay(throttledMs);
      return requests;
    }
  }
}

export interface Description {
  readonly TableStatus: string;
  readonly ItemCount: number;
  readonly TableSizeBytes: number;
  readonly GlobalSecondaryIndexes: readonly { readonly IndexName: string; readonly ItemCount: number }[];
}

/**
 * Reads the whole table or index, page after page, until it is told to stop; it only counts, so that the work is the
 * server's.
 * @returns how many pages it has read.
 */
export async function scanUntil(server: Server, stop: AbortSignal, IndexName?: string): Promise<number> {
  let pages = 0;
  let from: Item | undefined;
  while (!stop.aborted) {
    const page = await server.call<{ LastEvaluatedKey?: Item }>('Scan', {
      TableName,
      Select: 'COUNT',
      ...(IndexName === undefined ? {} : { IndexName }),
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
    });
    from = page.LastEvaluatedKey;
    pages++;
  }
  return pages;
}

/**
 * Makes one backup after the other, each in the place of the last one, until it is told to stop.
 * @returns how many it has made.
 */
export async function backUpUntil(server: Server, stop: AbortSignal): Promise<number> {
  let backups = 0;
  while (!stop.aborted) {
    const { BackupDetails } = await server.call<{ BackupDetails: { BackupArn: string } }>('CreateBackup', {
      TableName,
      BackupName: 'while-it-is-overwritten',
    });
    const { BackupArn } = BackupDetails;
    while ((await backupStatus(server, BackupArn)) !== 'AVAILABLE') await delay(backupPollMs);
    await server.call('DeleteBackup', { BackupArn });
    backups++;
  }
  return backups;
}

const backupPollMs = 100;

async function backupStatus(server: Server, BackupArn: string): Promise<string> {
  const { BackupDescription } = await server.call<{
    BackupDescription: { BackupDetails: { BackupStatus: string } };
  }>('DescribeBackup', { BackupArn });
  return BackupDescription.BackupDetails.BackupStatus;
}

function orderItem(order: number, revision: number): Item {
  const item: Item = {
    id: { S: `order-${String(order).padStart(8, '0')}` },
    customer: { S: `customer-${(order * 7_919) % customers}` },
    at: { N: String(1_000_000_000 + ((order * 31 + revision * 977) % 1_000_003)) },
    status: { S: `${['open', 'paid', 'sent', 'done'][(order + revision) % 4]}-${order % 1_000}` },
    revision: { N: String(revision) },
  };
  return { ...item, notes: { S: notes.slice(0, itemBytes - itemSize(item) - 'notes'.length) } };
}

const notes = 'To be delivered in the morning, to the back door. '.repeat(itemBytes / 40);

/** Different orders that are not in `taken`, which then holds them too. */
function draw(count: number, below: number, random: () => number, taken: Set<number>): number[] {
  const drawn: number[] = [];
  while (drawn.length < count) {
    const order = Math.floor(random() * below);
    if (taken.has(order)) continue;
    taken.add(order);
    drawn.push(order);
  }
  return drawn;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(to - from, 0) }, (_, i) => from + i);
}
