import { indexInput, schemaInput } from './printer.ts';
import type { IndexSchema } from './request.ts';
import { entryOf, type Table } from './table.ts';
import { type Item, sizeOfItem } from './value.ts';

type Output = Record<string, unknown>;

/**
 * The members of a table's description that the model knows.
 * @param statuses of indexes, where they are not those that the table has for them.
 */
export function describe(
  name: string,
  table: Table,
  status: string,
  statuses: Readonly<Record<string, string>> = {},
): Output {
  const { count, bytes } = totals(table.items);
  const { KeySchema, AttributeDefinitions } = schemaInput({
    ...table.schema,
    indexes: table.indexes.map(({ schema }) => schema),
  });
  const described = (isGlobal: boolean) => {
    const indexes = table.indexes.filter(({ schema }) => schema.isGlobal === isGlobal);
    return indexes.length === 0
      ? undefined
      : indexes.map((one) => describeIndex(table, one.schema, statuses[one.schema.name] ?? one.status));
  };
  return {
    TableName: name,
    TableStatus: status,
    ItemCount: count,
    TableSizeBytes: bytes,
    KeySchema,
    AttributeDefinitions,
    LocalSecondaryIndexes: described(false),
    GlobalSecondaryIndexes: described(true),
  };
}

/** What DeleteTable answers. */
export function describeDeleted(name: string, table: Table): Output {
  return only(['TableName', 'TableStatus', 'ItemCount', 'TableSizeBytes'], describe(name, table, 'DELETING'));
}

/** Entries of an index that is not complete are not counted here. */
function describeIndex(table: Table, index: IndexSchema, status: string): Output {
  const entries = table.items
    .map((item) => entryOf(table, index, item))
    .filter((entry) => entry !== undefined);
  const { count, bytes } = totals(entries);
  return {
    ...indexInput(index),
    IndexStatus: index.isGlobal ? status : undefined,
    ...((!index.isGlobal || status === 'ACTIVE') && { ItemCount: count, IndexSizeBytes: bytes }),
  };
}

function totals(items: readonly Item[]): { count: number; bytes: number } {
  return { count: items.length, bytes: items.reduce((sum, item) => sum + sizeOfItem(item), 0) };
}

const known = [
  'TableName',
  'TableStatus',
  'KeySchema',
  'AttributeDefinitions',
  'ItemCount',
  'TableSizeBytes',
  'LocalSecondaryIndexes',
  'GlobalSecondaryIndexes',
];

const knownOfIndexes = ['IndexName', 'IndexStatus', 'KeySchema', 'Projection', 'ItemCount', 'IndexSizeBytes'];

/** Of a description only what the model knows, lists in one order. */
export function comparableDescription(description: object): Output {
  const { LocalSecondaryIndexes: local, GlobalSecondaryIndexes: global, ...rest } = only(known, description);
  return {
    ...rest,
    AttributeDefinitions: sortedBy('AttributeName', (rest.AttributeDefinitions ?? []) as Output[]),
    LocalSecondaryIndexes: comparableIndexes((local ?? []) as Output[]),
    GlobalSecondaryIndexes: comparableIndexes((global ?? []) as Output[]),
  };
}

function comparableIndexes(indexes: readonly Output[]): Output[] {
  return sortedBy('IndexName', indexes).map((index) => {
    const { ItemCount, IndexSizeBytes, ...rest } = only(knownOfIndexes, index);
    const isComplete = index.IndexStatus === undefined || index.IndexStatus === 'ACTIVE';
    const { ProjectionType, NonKeyAttributes } = index.Projection as { [name: string]: string[] | undefined };
    const projection = { ProjectionType, NonKeyAttributes: [...(NonKeyAttributes ?? [])].sort() };
    return { ...rest, Projection: projection, ...(isComplete && { ItemCount, IndexSizeBytes }) };
  });
}

function sortedBy(name: string, elements: readonly Output[]): Output[] {
  return [...elements].sort((a, b) => (String(a[name]) < String(b[name]) ? -1 : 1));
}

function only(names: readonly string[], members: object): Output {
  return Object.fromEntries(Object.entries(members).filter(([name]) => names.includes(name)));
}
