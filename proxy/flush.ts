import type { KeyBytes } from '../protocol/key.ts';
import type { CachedItem } from './cache/cached-item.ts';
import { changedGenerations } from './cache/changed-generations.ts';
import type { Coherence } from './cache/coherence.ts';
import { readKey } from './cache/key-reader.ts';
import type { Pages } from './cache/pages.ts';
import type { SharedCache } from './cache/shared.ts';
import type { Table, TableDescriptions } from './table-descriptions.ts';

/** Everything, one table, or one item with the pages that may show it. */
export type FlushTarget =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'table';
      readonly region: string;
      /** A name, or an ARN. */
      readonly tableName: string;
    }
  | {
      readonly kind: 'key';
      readonly region: string;
      readonly tableName: string;
      /** As GetItem takes it; still to be read by the table's schema. */
      readonly key: unknown;
    };

/** What is to be dropped is not known, or could not be dropped everywhere; the message says what to do. */
export class FlushError extends Error {
  override readonly name = 'FlushError';
  /** `unknownTable` and `invalidKey` changed nothing; `notDelivered` has dropped it here, and not for the fleet. */
  readonly reason: 'unknownTable' | 'invalidKey' | 'notDelivered';

  constructor(reason: FlushError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface FlushParts {
  readonly tables: TableDescriptions;
  readonly coherence: Coherence<CachedItem>;
  readonly pages: Pages;
  readonly shared: SharedCache | undefined;
}

/**
 * Drops what is cached, here and for the whole fleet: reads that began before may still be answered with it, none that
 * begins after the promise is resolved is. What is here is dropped last: before the fleet's is gone, a read could bring
 * it back here from there.
 * @throws FlushError
 */
export async function flush(target: FlushTarget, parts: FlushParts): Promise<void> {
  const delivered = await drop(target, parts);
  if (delivered.every(Boolean)) return;
  const message = `the cache of the fleet could not be reached, and ${undelivered[target.kind]}`;
  throw new FlushError('notDelivered', message);
}

/** What becomes of it in the fleet. */
const undelivered = {
  all: 'drops it as soon as it is',
  table: 'drops it as soon as it is',
  key: 'may still have it: flush again',
} as const;

/** @returns of each thing to drop whether the fleet was told, where there is one. */
async function drop(target: FlushTarget, parts: FlushParts): Promise<boolean[]> {
  if (target.kind === 'all') return [await flushAll(parts)];
  const tables = await tablesNamed(target.region, target.tableName, parts.tables);
  if (target.kind === 'table') return Promise.all(tables.map((table) => flushTable(table, parts)));
  return Promise.all(keysIn(tables, target.key).map((key) => flushKey(key, parts)));
}

async function flushAll({ coherence, shared }: FlushParts): Promise<boolean> {
  const isDelivered = shared === undefined || (await shared.voidEverything(0));
  coherence.voidAll();
  return isDelivered;
}

/** The table of the name in the region, and what else the name was used for. */
async function tablesNamed(region: string, name: string, descriptions: TableDescriptions): Promise<Table[]> {
  const described = await descriptions.find(region, name);
  const known = descriptions.idsOf(name).flatMap((tableId) => descriptions.byId(tableId) ?? []);
  const tables = new Set(described === undefined ? known : [described, ...known]);
  if (tables.size > 0) return [...tables];
  throw new FlushError(
    'unknownTable',
    `${name} is no table that the store describes now in the region ${region}; check name, region, and that the store answers`,
  );
}

async function flushTable({ id }: Table, { coherence, shared }: FlushParts): Promise<boolean> {
  const isDelivered = shared === undefined || (await shared.voidTable(id, 0));
  coherence.voidTable(id);
  return isDelivered;
}

interface TableKey {
  readonly table: Table;
  readonly key: KeyBytes;
}

function keysIn(tables: readonly Table[], key: unknown): TableKey[] {
  const keys = tables.flatMap((table) => {
    const bytes = readKey(table.schema, key);
    return bytes === undefined ? [] : [{ table, key: bytes }];
  });
  if (keys.length > 0) return keys;
  const [{ schema } = { schema: undefined }] = tables;
  const attributes = [schema?.partition, schema?.sort].flatMap((attribute) =>
    attribute === undefined ? [] : [`"${attribute.name}": {"${attribute.type}": ...}`],
  );
  throw new FlushError('invalidKey', `the key has to have the form {${attributes.join(', ')}}`);
}

async function flushKey(
  { table, key }: TableKey,
  { coherence, pages, shared }: FlushParts,
): Promise<boolean> {
  const names = changedGenerations(table, { key, oldItem: 'unknown', newItem: 'unknown' });
  const isDelivered = shared === undefined || (await shared.invalidate(table.id, key, names));
  coherence.invalidate(table.id, key);
  pages.endGenerations(table.id, names);
  return isDelivered;
}
