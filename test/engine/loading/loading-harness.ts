import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { catalogRecord } from '../../../engine/catalog.ts';
import { checkDataDirectory } from '../../../engine/check.ts';
import { prepareDataDirectory } from '../../../engine/data-directory.ts';
import { DataLock } from '../../../engine/data-lock.ts';
import type { EngineOptions } from '../../../engine/engine-options.ts';
import type { LoadedRow } from '../../../engine/history/load-plan.ts';
import { itemJson } from '../../../engine/item-json.ts';
import { fedSource, type LoadOutcome } from '../../../engine/loading/load-source.ts';
import { createBackup, describeBackup } from '../../../engine/operation/backups.ts';
import { query, scan } from '../../../engine/operation/query.ts';
import { restoreTableFromBackup } from '../../../engine/operation/restore-table.ts';
import { createTable, deleteTable, describeTable, updateTable } from '../../../engine/operation/table.ts';
import { updateTimeToLive } from '../../../engine/operation/ttl.ts';
import { deleteItem, putItem } from '../../../engine/operation/write.ts';
import { closeParts, openParts, type Parts } from '../../../engine/parts.ts';
import { stateKey } from '../../../engine/state/layout.ts';
import type { TableDefinition, TableLoading } from '../../../engine/table-definition.ts';
import { systemClock } from '../../../protocol/clock.ts';
import { canonicalKey } from '../../../protocol/key.ts';
import { Reply } from '../../../protocol/reply.ts';
import { silentLogger } from '../../silent-logger.ts';
import { createTableInput, type IndexShape, type Item } from '../index-model.ts';

const region = 'us-east-1';

const operations = {
  CreateBackup: createBackup,
  CreateTable: createTable,
  DeleteItem: deleteItem,
  DeleteTable: deleteTable,
  DescribeBackup: describeBackup,
  DescribeTable: describeTable,
  PutItem: putItem,
  Query: query,
  RestoreTableFromBackup: restoreTableFromBackup,
  Scan: scan,
  UpdateTable: updateTable,
  UpdateTimeToLive: updateTimeToLive,
};

export const restoreOf: TableLoading = {
  kind: 'restore',
  sourceTableArn: `arn:aws:dynamodb:${region}:000000000000:table/Origin`,
  restoreMs: 1_700_000_000_000,
};

/** An engine's parts in a folder of their own, with tables that are loaded from rows. */
export class LoadingEngine {
  readonly directory: string;
  parts: Parts;
  readonly #options: Partial<EngineOptions>;

  private constructor(directory: string, parts: Parts, options: Partial<EngineOptions>) {
    this.directory = directory;
    this.parts = parts;
    this.#options = options;
  }

  static async open(options: Partial<EngineOptions> = {}): Promise<LoadingEngine> {
    const directory = mkdtempSync(join(tmpdir(), 'slipstream-loading-'));
    return new LoadingEngine(directory, await open(directory, options), options);
  }

  async reopen(): Promise<void> {
    await closeParts(this.parts);
    this.parts = await open(this.directory, this.#options);
  }

  /** Closes it, and has its folder checked. @returns what is wrong. */
  async check(): Promise<readonly string[]> {
    await closeParts(this.parts);
    const { problems } = await checkDataDirectory(this.directory);
    this.parts = await open(this.directory, this.#options);
    return problems;
  }

  async remove(): Promise<void> {
    await closeParts(this.parts);
    rmSync(this.directory, { recursive: true, force: true });
  }

  async call<T = Record<string, unknown>>(operation: keyof typeof operations, input: object): Promise<T> {
    const request = { operation, input: input as Record<string, unknown>, region };
    const reply = await operations[operation](this.parts.services, request);
    return JSON.parse(reply.body.toString()) as T;
  }

  definition(name: string): TableDefinition | undefined {
    return this.parts.services.catalog.get(region, name)?.definition;
  }

  /** A table with these indexes, which is CREATING and has nothing yet. */
  async create(name: string, indexes: readonly IndexShape[]): Promise<TableDefinition> {
    const template = `template-${randomUUID()}`;
    await this.call('CreateTable', createTableInput(template, indexes));
    const shape = this.definition(template) as TableDefinition;
    await this.call('DeleteTable', { TableName: template });
    await this.parts.services.committer.submit(({ catalog }) => {
      const put = loadingTable(shape, name, catalog.nextNumber);
      return { changes: [catalogRecord({ put })], reply: new Reply({}) };
    });
    return this.definition(name) as TableDefinition;
  }

  /** Starts to load such a table; resolves when that has ended. */
  load(table: TableDefinition, rows: AsyncIterable<LoadedRow[]>): Promise<LoadOutcome> {
    return new Promise((resolve) => {
      this.parts.services.tableLoads.start(table, fedSource(rows, resolve));
    });
  }

  async loadTable(
    name: string,
    indexes: readonly IndexShape[],
    batches: readonly LoadedRow[][],
  ): Promise<LoadOutcome> {
    return this.load(await this.create(name, indexes), each(batches));
  }

  async scanned(TableName: string, IndexName?: string): Promise<Item[]> {
    const items: Item[] = [];
    let start: Item | undefined;
    do {
      const page = await this.call<{ Items: Item[]; LastEvaluatedKey?: Item }>('Scan', {
        TableName,
        ...(IndexName !== undefined && { IndexName }),
        ...(start !== undefined && { ExclusiveStartKey: start }),
      });
      items.push(...page.Items);
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    return items;
  }

  async untilActive(name: string): Promise<void> {
    while (this.definition(name)?.status !== 'ACTIVE') await delay(1);
  }
}

export async function* each<T>(values: Iterable<T>): AsyncGenerator<T, void> {
  yield* values;
}

/** What puts the item, or takes it away. */
export function rowOf(item: Item, isThere = true): LoadedRow {
  return { key: keyOf(item), image: isThere ? itemJson(item) : undefined };
}

export function keyOf(item: Item): string {
  const schema = { partition: { name: 'p', type: 'S' }, sort: { name: 's', type: 'N' } } as const;
  return stateKey(0, canonicalKey(schema, item)).slice(4);
}

/** As archives have them. */
export function inKeyOrder(items: readonly Item[]): LoadedRow[] {
  return items.map((item) => rowOf(item)).sort((a, b) => (a.key < b.key ? -1 : 1));
}

function loadingTable(shape: TableDefinition, name: string, first: number): TableDefinition {
  const { indexes, collections } = shape;
  return {
    ...shape,
    number: first,
    id: randomUUID(),
    name,
    status: 'CREATING',
    indexes: indexes.map((index, i) => ({ ...index, number: first + 1 + i, status: 'CREATING' })),
    ...(collections !== undefined && { collections: first + 1 + indexes.length }),
    loading: restoreOf,
  };
}

async function open(dataDirectory: string, options: Partial<EngineOptions>): Promise<Parts> {
  const all: EngineOptions = {
    dataDirectory,
    clock: systemClock,
    durability: 'sync',
    logSegmentBytesMax: 64 * 1024 * 1024,
    overlayBytesMax: 64 * 1024 * 1024,
    diskReserveBytes: 0,
    replicaLagMs: 0,
    capacity: 'provisioned',
    controlPlaneDelayMs: 0,
    ttlSweepMs: 60_000,
    ttlChangeIntervalMs: 0,
    log: silentLogger,
    onFatal: (error) => {
      throw error;
    },
    ...options,
  };
  const directory = prepareDataDirectory(dataDirectory);
  return openParts(all, directory, DataLock.acquire(directory.root));
}
