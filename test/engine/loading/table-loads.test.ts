import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Item, shapes, spelled } from '../index-model.ts';
import { inKeyOrder, LoadingEngine } from './loading-harness.ts';

let engine: LoadingEngine;

beforeEach(async () => {
  engine = await LoadingEngine.open();
});

afterEach(async () => {
  await engine.remove();
});

function itemOf(i: number): Item {
  return { p: { S: `p${i % 7}` }, s: { N: String(i) }, x: { S: `x${i % 3}` }, a: { S: `a${i % 11}` } };
}

function spelledAll(items: readonly Item[]): string[] {
  return items.map(spelled).sort();
}

describe('a table that is loaded', () => {
  test('has all rows, the entries of all its indexes, and true counts', async () => {
    const items = Array.from({ length: 3000 }, (_, i) => itemOf(i));
    expect(await engine.loadTable('Loaded', shapes, [inKeyOrder(items)])).toBe('loaded');
    expect(spelledAll(await engine.scanned('Loaded'))).toEqual(spelledAll(items));
    expect(await engine.scanned('Loaded', 'strings')).toHaveLength(3000);
    expect(await engine.check()).toEqual([]);
    expect(await engine.scanned('Loaded', 'strings')).toHaveLength(3000);
  });
});
