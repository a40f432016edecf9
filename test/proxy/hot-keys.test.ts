import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Request } from '../../protocol/backend.ts';
import { SpaceSaving } from '../../proxy/hot-keys/space-saving.ts';
import { HotKeys } from '../../proxy/hot-keys.ts';
import { ManualClock } from './simulated-store.ts';

/** The same sequence at every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

function open(random: () => number = () => 0) {
  const clock = new ManualClock();
  return { clock, hotKeys: new HotKeys({ clock, random }) };
}

function getItem(id: unknown, table = 'Music'): [Request, string] {
  return [{ operation: 'GetItem', input: { TableName: table, Key: id }, region: 'us-east-1' }, table];
}

const keyOf = (id: string) => ({ id: { S: id } });

describe('Space-Saving', () => {
  test('has every name with more than its share, and never counts too little or beyond the error', () => {
    const stream = fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 300 });
    fc.assert(
      fc.property(stream, fc.integer({ min: 1, max: 10 }), (names, countersMax) => {
        const sketch = new SpaceSaving<number>(countersMax);
        const counts = new Map<number, number>();
        for (const name of names) {
          sketch.add(String(name), name);
          counts.set(name, (counts.get(name) ?? 0) + 1);
        }
        const top = sketch.top(Infinity);
        expect(top.length).toBeLessThanOrEqual(countersMax);
        for (const { value, count, error } of top) {
          const truth = counts.get(value) ?? 0;
          expect(truth).toBeLessThanOrEqual(count);
          expect(truth).toBeGreaterThanOrEqual(count - error);
        }
        for (const [name, count] of counts) {
          if (count > names.length / countersMax) expect(top.map(({ value }) => value)).toContain(name);
        }
        expect(top.map(({ count }) => count)).toEqual(top.map(({ count }) => count).sort((a, b) => b - a));
      }),
    );
  });
});

describe('hot keys', () => {
  test('are found in a sample, with their share, whatever else is read', () => {
    const random = seeded(7);
    const { hotKeys } = open(random);
    for (let i = 0; i < 200_000; i++) {
      const draw = random();
      const id = draw < 0.3 ? 'hottest' : draw < 0.4 ? 'hot' : `cold-${i}`;
      hotKeys.served(...getItem(keyOf(id)));
    }
    const [first, second] = hotKeys.top(2);
    expect(first).toMatchObject({ table: 'Music', key: keyOf('hottest') });
    expect(second).toMatchObject({ table: 'Music', key: keyOf('hot') });
    expect(first?.share).toBeCloseTo(0.3, 1);
    expect(second?.share).toBeCloseTo(0.1, 1);
  });

  test('that callers go round are all seen', () => {
    const { hotKeys } = open(seeded(3));
    for (let i = 0; i < 64_000; i++) hotKeys.served(...getItem(keyOf(`k${i % 32}`)));
    expect(hotKeys.top(100)).toHaveLength(32);
  });

  test('are one key however they are written', () => {
    const { hotKeys } = open();
    const written = [
      { a: { N: '1' }, b: { S: 'x' } },
      { b: { S: 'x' }, a: { N: '1.0' } },
    ];
    for (const key of written) hotKeys.served(...getItem(key));
    expect(hotKeys.top(10)).toEqual([{ table: 'Music', key: written[0], share: 1, shareErrorMax: 0 }]);
  });

  test('of a batch are each of its keys, under the name of their table', () => {
    const { hotKeys } = open();
    const arn = 'arn:aws:dynamodb:us-east-1:000000000000:table/Music';
    const input = {
      RequestItems: { [arn]: { Keys: [keyOf('a'), keyOf('b')] }, Other: { Keys: [keyOf('c')] } },
    };
    hotKeys.served({ operation: 'BatchGetItem', input, region: 'us-east-1' }, 'several');
    expect(hotKeys.top(10, 'Music').map(({ key }) => key)).toEqual([keyOf('a'), keyOf('b')]);
    expect(hotKeys.top(1)).toHaveLength(2);
  });

  test('fade, and their tables make room for others', () => {
    const { hotKeys, clock } = open();
    for (let i = 0; i < 6; i++) hotKeys.served(...getItem(keyOf('old')));
    clock.advance(60_000);
    for (let i = 0; i < 6; i++) hotKeys.served(...getItem(keyOf('new')));
    expect(hotKeys.top(2).map(({ key }) => key)).toEqual([keyOf('new'), keyOf('old')]);
    clock.advance(60_000 * 60);
    expect(hotKeys.top(2)).toEqual([]);
  });

  test('are bounded in tables and in size, and what is no key is left out', () => {
    const { hotKeys } = open();
    for (let i = 0; i < 100; i++) hotKeys.served(...getItem(keyOf('a'), `table${i}`));
    expect(hotKeys.top(1)).toHaveLength(50);
    const strange = [undefined, null, 'a', [], { id: 'S' }, { id: { S: 'x'.repeat(10_000) } }, { id: {} }];
    const fresh = open().hotKeys;
    for (const key of strange) fresh.served(...getItem(key));
    fresh.served({ operation: 'BatchGetItem', input: { RequestItems: { a: 1 } }, region: '' }, 'a');
    fresh.served({ operation: 'Query', input: {}, region: '' }, 'a');
    expect(fresh.top(10)).toEqual([]);
  });
});
