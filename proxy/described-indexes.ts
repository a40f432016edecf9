import type { KeyAttribute, KeySchema, KeyType } from '../protocol/key.ts';
import { isObject } from './cache/key-reader.ts';

/** A secondary index, as its table's description has it. */
export interface TableIndex {
  readonly name: string;
  readonly isGlobal: boolean;
  /** The HASH attributes; one, or up to four in a global index. */
  readonly partition: readonly KeyAttribute[];
  /** The RANGE attributes, the most significant first; none, one, or up to four. */
  readonly sort: readonly KeyAttribute[];
  /** The attributes that entries have, keys included; undefined if all. */
  readonly projectedNames: ReadonlySet<string> | undefined;
}

/** @returns undefined for a key that no table of DynamoDB's has. */
export function readTableKey(description: Record<string, unknown>): KeySchema | undefined {
  const key = readKey(description.KeySchema, description.AttributeDefinitions);
  const [partition] = key?.partition ?? [];
  const [sort] = key?.sort ?? [];
  const elements = sort === undefined ? 1 : 2;
  if (partition === undefined || objectsIn(description.KeySchema).length !== elements) return undefined;
  return { partition, sort };
}

/**
 * The indexes of both kinds that are understood. Of a projection that is not, everything is taken to be projected: then
 * a change of the item counts as one of its entry.
 */
export function readIndexes(description: Record<string, unknown>, table: KeySchema): TableIndex[] {
  const read = (isGlobal: boolean) => (index: Record<string, unknown>) => {
    const key = readKey(index.KeySchema, description.AttributeDefinitions);
    if (typeof index.IndexName !== 'string' || key === undefined || key.partition.length === 0) return [];
    const projectedNames = readProjectedNames(index.Projection, table, key);
    return [{ name: index.IndexName, isGlobal, ...key, projectedNames }];
  };
  return [
    ...objectsIn(description.LocalSecondaryIndexes).flatMap(read(false)),
    ...objectsIn(description.GlobalSecondaryIndexes).flatMap(read(true)),
  ];
}

/** Equal for equal keys and indexes, in whatever order a store lists the indexes and what they project. */
export function fingerprintOf(table: KeySchema, indexes: readonly TableIndex[]): string {
  const described = indexes.map(({ name, isGlobal, partition, sort, projectedNames }) =>
    JSON.stringify([name, isGlobal, partition, sort, projectedNames && [...projectedNames].sort()]),
  );
  return JSON.stringify([table, described.sort()]);
}

interface IndexKey {
  readonly partition: readonly KeyAttribute[];
  readonly sort: readonly KeyAttribute[];
}

/** @returns undefined where an element is not understood. */
function readKey(keySchema: unknown, definitions: unknown): IndexKey | undefined {
  const partition: KeyAttribute[] = [];
  const sort: KeyAttribute[] = [];
  for (const { AttributeName: name, KeyType: keyType } of objectsIn(keySchema)) {
    const attributes = keyType === 'HASH' ? partition : keyType === 'RANGE' ? sort : undefined;
    const definition = objectsIn(definitions).find(({ AttributeName }) => AttributeName === name);
    const type = definition?.AttributeType;
    if (attributes === undefined || typeof name !== 'string' || !isKeyType(type)) return undefined;
    attributes.push({ name, type });
  }
  return { partition, sort };
}

function readProjectedNames(
  projection: unknown,
  table: KeySchema,
  key: IndexKey,
): ReadonlySet<string> | undefined {
  if (!isObject(projection)) return undefined;
  const { ProjectionType: type, NonKeyAttributes: others } = projection;
  if (type !== 'KEYS_ONLY' && type !== 'INCLUDE') return undefined;
  const keys = [
    table.partition,
    ...(table.sort === undefined ? [] : [table.sort]),
    ...key.partition,
    ...key.sort,
  ];
  const included = type === 'INCLUDE' && Array.isArray(others) ? others : [];
  return new Set([...keys.map(({ name }) => name), ...included]);
}

function objectsIn(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function isKeyType(type: unknown): type is KeyType {
  return type === 'S' || type === 'N' || type === 'B';
}
