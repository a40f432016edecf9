import { expect, test } from 'vitest';
import { isOperation, operations } from '../../protocol/operation.ts';

test('the API has 62 operations, Streams 4 more', () => {
  expect(operations).toHaveLength(66);
  expect(new Set(operations).size).toBe(66);
});

test('only their exact names are operations', () => {
  expect(isOperation('GetItem')).toBe(true);
  expect(isOperation('GetRecords')).toBe(true);
  expect(isOperation('getItem')).toBe(false);
  expect(isOperation('constructor')).toBe(false);
});
