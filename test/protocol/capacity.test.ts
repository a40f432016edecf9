import { describe, expect, test } from 'vitest';
import { consumedCapacity, readUnits, sumOfUnits, writeUnits } from '../../protocol/capacity.ts';

describe('read units', () => {
  test.each([
    [0, 'eventual', 0.5],
    [0, 'strong', 1],
    [0, 'transactional', 2],
    [1, 'strong', 1],
    [4096, 'strong', 1],
    [4097, 'strong', 2],
    [4097, 'eventual', 1],
    [8193, 'eventual', 1.5],
    [4097, 'transactional', 4],
    [1024 * 1024, 'eventual', 128],
  ] as const)('%i bytes, %s: %d', (sizeBytes, consistency, units) => {
    expect(readUnits(sizeBytes, consistency)).toBe(units);
  });
});

describe('write units', () => {
  test.each([
    [0, false, 1],
    [1024, false, 1],
    [1025, false, 2],
    [1025, true, 4],
    [409_600, false, 400],
  ])('%i bytes, transactional %s: %d', (sizeBytes, transactional, units) => {
    expect(writeUnits(sizeBytes, transactional)).toBe(units);
  });
});

describe('ConsumedCapacity', () => {
  test('is absent unless asked for', () => {
    expect(consumedCapacity(undefined, 'music', 1)).toBeUndefined();
    expect(consumedCapacity('NONE', 'music', 1)).toBeUndefined();
  });

  test('TOTAL has the sum, INDEXES the table besides', () => {
    expect(consumedCapacity('TOTAL', 'music', 0.5)).toEqual({ TableName: 'music', CapacityUnits: 0.5 });
    expect(consumedCapacity('INDEXES', 'music', 0.5)).toEqual({
      TableName: 'music',
      CapacityUnits: 0.5,
      Table: { CapacityUnits: 0.5 },
    });
  });

  test('has the indexes that took part, and their units in the sum', () => {
    const units = { table: 3, local: new Map([['byYear', 1]]), global: new Map([['byLabel', 2.5]]) };
    expect(sumOfUnits(units)).toBe(6.5);
    expect(sumOfUnits({ table: 3 })).toBe(3);
    expect(consumedCapacity('TOTAL', 'music', units)).toEqual({ TableName: 'music', CapacityUnits: 6.5 });
    expect(consumedCapacity('INDEXES', 'music', units)).toEqual({
      TableName: 'music',
      CapacityUnits: 6.5,
      Table: { CapacityUnits: 3 },
      LocalSecondaryIndexes: { byYear: { CapacityUnits: 1 } },
      GlobalSecondaryIndexes: { byLabel: { CapacityUnits: 2.5 } },
    });
    expect(consumedCapacity('INDEXES', 'music', { table: 1, local: new Map(), global: new Map() })).toEqual({
      TableName: 'music',
      CapacityUnits: 1,
      Table: { CapacityUnits: 1 },
    });
  });

  test('transactions tell reads from writes', () => {
    expect(consumedCapacity('TOTAL', 'music', 4, 'transactionalRead')).toEqual({
      TableName: 'music',
      CapacityUnits: 4,
      ReadCapacityUnits: 4,
    });
    expect(consumedCapacity('INDEXES', 'music', 4, 'transactionalWrite')).toEqual({
      TableName: 'music',
      CapacityUnits: 4,
      WriteCapacityUnits: 4,
      Table: { CapacityUnits: 4, WriteCapacityUnits: 4 },
    });
  });
});
