import { describe, expect, test } from 'vitest';
import type { Item } from '../../protocol/attribute-value.ts';
import { canonicalKey, type KeySchema, splitKey } from '../../protocol/key.ts';
import { changedGenerations } from '../../proxy/cache/changed-generations.ts';
import {
  basePartition,
  coarseIndex,
  indexPartition,
  indexScan,
  tableScan,
} from '../../proxy/cache/generations.ts';
import { fingerprintOf, readIndexes, readTableKey, type TableIndex } from '../../proxy/described-indexes.ts';

const schema: KeySchema = { partition: { name: 'p', type: 'S' }, sort: { name: 's', type: 'N' } };
const type = { name: 'type', type: 'S' } as const;
const rank = { name: 'rank', type: 'N' } as const;
const city = { name: 'city', type: 'S' } as const;

const all: TableIndex = {
  name: 'all',
  isGlobal: true,
  partition: [type],
  sort: [rank],
  projectedNames: undefined,
};
const keysOnly: TableIndex = { ...all, name: 'keys', projectedNames: new Set(['p', 's', 'type', 'rank']) };
const pair: TableIndex = { ...all, name: 'pair', partition: [type, city], sort: [] };
const inverted: TableIndex = { ...all, name: 'inverted', partition: [schema.sort ?? rank], sort: [] };
const local: TableIndex = { ...all, name: 'local', isGlobal: false };

function item(attributes: Item = {}): Item {
  return { p: { S: 'a' }, s: { N: '1' }, ...attributes };
}

function changed(
  indexes: TableIndex[],
  oldItem: Item | undefined | 'unknown',
  newItem: Item | undefined | 'unknown',
) {
  const names = changedGenerations({ schema, indexes }, { key, oldItem, newItem });
  const base = names.filter((name) => name === basePartition('a') || name === tableScan);
  expect(base).toHaveLength(names.length === 0 ? 0 : 2);
  return names.filter((name) => !base.includes(name));
}

const key = canonicalKey(schema, item());
const typed = (value: string, n = '1') => item({ type: { S: value }, rank: { N: n } });

describe('the generations that a change ends', () => {
  test('none, where there was no item and is none', () => {
    expect(
      changedGenerations({ schema, indexes: [all] }, { key, oldItem: undefined, newItem: undefined }),
    ).toEqual([]);
  });

  test('the partition and the scan of the table, for local indexes too', () => {
    expect(changed([local], typed('x'), typed('y'))).toEqual([]);
  });

  test('both index partitions of an entry that moves', () => {
    expect(changed([all], typed('x'), typed('y'))).toEqual([
      indexPartition('all', ['x']),
      indexPartition('all', ['y']),
      indexScan('all'),
    ]);
  });

  test('one, where the entry appears, leaves or moves within its partition', () => {
    const names = [indexPartition('all', ['x']), indexScan('all')];
    expect(changed([all], item(), typed('x'))).toEqual(names);
    expect(changed([all], typed('x'), undefined)).toEqual(names);
    expect(changed([all], typed('x', '1'), typed('x', '2'))).toEqual(names);
  });

  test('none of an index in which the item is not', () => {
    expect(changed([all], item(), item({ other: { S: 'x' } }))).toEqual([]);
    expect(changed([all], undefined, item({ type: { S: 'x' } }))).toEqual([]);
  });

  test.each<[string, Item]>([
    ['of another type', { type: { N: '1' }, rank: { N: '1' } }],
    ['empty', { type: { S: '' }, rank: { N: '1' } }],
    ['too long', { type: { S: 'x'.repeat(2_049) }, rank: { N: '1' } }],
  ])('none where the key attribute is %s', (_what, attributes) => {
    expect(changed([all], undefined, item(attributes))).toEqual([]);
  });

  test('none of an index that does not project what changes', () => {
    const before = { ...typed('x'), color: { S: 'red' } };
    expect(changed([keysOnly], before, { ...before, color: { S: 'blue' } })).toEqual([]);
    expect(changed([all], before, { ...before, color: { S: 'blue' } })).toHaveLength(2);
    expect(changed([all], before, typed('x'))).toHaveLength(2);
  });

  test('all HASH attributes make the partition', () => {
    const at = (where: string) => item({ type: { S: 'x' }, city: { S: where } });
    expect(changed([pair], at('A'), at('B'))).toEqual([
      indexPartition('pair', ['x', 'A']),
      indexPartition('pair', ['x', 'B']),
      indexScan('pair'),
    ]);
    expect(indexPartition('pair', ['xA', 'B'])).not.toBe(indexPartition('pair', ['x', 'AB']));
  });

  test.each<[string, Item | undefined | 'unknown', Item | undefined | 'unknown']>([
    ['the old image', 'unknown', typed('x')],
    ['the new image', typed('x'), 'unknown'],
    ['both', 'unknown', 'unknown'],
    ['the old image of a deleted item', 'unknown', undefined],
  ])('all of an index where %s is unknown', (_what, oldItem, newItem) => {
    expect(changed([all], oldItem, newItem)).toEqual([coarseIndex('all'), indexScan('all')]);
  });

  test('one partition of an index that has its HASH attributes from the key, unknown images or not', () => {
    const names = [indexPartition('inverted', [splitKey(key).sort]), indexScan('inverted')];
    expect(changed([inverted], 'unknown', 'unknown')).toEqual(names);
    expect(changed([inverted], undefined, item())).toEqual(names);
  });

  test('a number that DynamoDB would have refused counts as unknown', () => {
    expect(changed([all], undefined, item({ type: { S: 'x' }, rank: { N: 'one' } }))).toEqual([
      coarseIndex('all'),
      indexScan('all'),
    ]);
  });
});

describe('the description of indexes', () => {
  const element = (AttributeName: string, KeyType: string) => ({ AttributeName, KeyType });
  const keySchema = [element('p', 'HASH'), element('s', 'RANGE')];
  const definitions = [schema.partition, rank, type, city, { name: 's', type: 'N' }].map(
    ({ name, type: AttributeType }) => ({ AttributeName: name, AttributeType }),
  );
  const index = (IndexName: string, KeySchema: object[], Projection: object) => ({
    IndexName,
    KeySchema,
    Projection,
  });
  const hash = [element('type', 'HASH'), element('city', 'HASH'), element('rank', 'RANGE')];
  const describedWith = (indexes: object[]) => ({
    KeySchema: keySchema,
    AttributeDefinitions: definitions,
    GlobalSecondaryIndexes: indexes,
  });
  const include = (...NonKeyAttributes: string[]) => ({ ProjectionType: 'INCLUDE', NonKeyAttributes });

  test('is read with keys of several attributes and its projection', () => {
    const description = describedWith([index('pairs', hash, include('color'))]);
    expect(readTableKey(description)).toEqual(schema);
    expect(readIndexes(description, schema)).toEqual([
      {
        name: 'pairs',
        isGlobal: true,
        partition: [type, city],
        sort: [rank],
        projectedNames: new Set(['p', 's', 'type', 'city', 'rank', 'color']),
      },
    ]);
  });

  test('has one fingerprint in whatever order it is listed', () => {
    const a = index('a', hash, include('x', 'y'));
    const b = index('b', hash, { ProjectionType: 'ALL' });
    const print = (indexes: object[]) => fingerprintOf(schema, readIndexes(describedWith(indexes), schema));
    expect(print([a, b])).toBe(print([b, index('a', hash, include('y', 'x'))]));
    expect(print([a, b])).not.toBe(print([a]));
    expect(print([a])).not.toBe(print([index('a', hash, include('x'))]));
    expect(print([a])).not.toBe(print([index('a', hash.slice(1), include('x', 'y'))]));
  });
});
