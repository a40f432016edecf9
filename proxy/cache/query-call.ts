import { hash } from 'node:crypto';
import type { KeyAttributes } from '../../protocol/expression/key-condition.ts';
import { encodeKeyValue, type KeyBytes } from '../../protocol/key.ts';
import type { TableIndex } from '../described-indexes.ts';
import type { Table } from '../table-descriptions.ts';
import { basePartition, coarseIndex, indexPartition, indexScan, tableScan } from './generations.ts';
import { queryMeaning, scanMeaning } from './query-meaning.ts';

export type QueryOperation = 'Query' | 'Scan';

/** A Query or Scan that is understood to the last member, and so may be answered from the cache. */
export interface QueryCall {
  readonly table: Table;
  /** Names the request's meaning among all requests to all tables. */
  readonly name: string;
  /** Of the places that its answer depends on. */
  readonly generations: readonly KeyBytes[];
  /** Global indexes follow their tables in their own time, and take no consistent reads. */
  readonly isOfGlobalIndex: boolean;
}

/** @returns undefined for what the cache cannot answer, or the store might refuse. */
export function readQueryCall(
  operation: QueryOperation,
  table: Table,
  input: Readonly<Record<string, unknown>>,
): QueryCall | undefined {
  const { IndexName: indexName = null } = input;
  const index = indexName === null ? undefined : table.indexes.find(({ name }) => name === indexName);
  if (indexName !== null && index === undefined) return undefined;
  try {
    const { text, generations } =
      operation === 'Query' ? readQuery(table, index, input) : readScan(index, input);
    return { table, name: pageName(table, text), generations, isOfGlobalIndex: index?.isGlobal === true };
  } catch {
    return undefined;
  }
}

interface Read {
  /** Of the meaning. */
  readonly text: string;
  readonly generations: readonly KeyBytes[];
}

function readQuery(
  { schema }: Table,
  index: TableIndex | undefined,
  input: Readonly<Record<string, unknown>>,
): Read {
  const ofTable: KeyAttributes = {
    partition: [schema.partition],
    sort: schema.sort === undefined ? [] : [schema.sort],
  };
  const { text, condition } = queryMeaning(input, index ?? ofTable);
  const partition = condition.partition.map(encodeKeyValue);
  const generations = index?.isGlobal
    ? [indexPartition(index.name, partition), coarseIndex(index.name)]
    : [basePartition(partition[0] as KeyBytes)];
  return { text, generations };
}

function readScan(index: TableIndex | undefined, input: Readonly<Record<string, unknown>>): Read {
  return { text: scanMeaning(input), generations: [index?.isGlobal ? indexScan(index.name) : tableScan] };
}

/** Of one length whatever the request's, and with a mark in front that no name of an item has. */
function pageName({ id }: Table, meaning: string): string {
  return `?${id}?${hash('sha256', meaning, 'base64url')}`;
}
