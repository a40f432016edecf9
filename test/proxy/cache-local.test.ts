import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LocalTier, type Packing, packedBytesMax, type Sized } from '../../proxy/cache/local.ts';
import { ManualClock } from './simulated-store.ts';

const value = (bytes: number) => ({ bytes });

class Text implements Sized {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get bytes(): number {
    return this.text.length;
  }
}

/** Keeps the text as bytes, and two numbers that can be told from others. */
const textPacking: Packing<Sized> = {
  pack: (one) =>
    one instanceof Text && one.bytes <= packedBytesMax
      ? { content: Buffer.from(one.text, 'latin1'), numbers: [one.bytes, ~one.bytes] }
      : undefined,
  unpack: (content, ...numbers) => {
    expect(numbers).toEqual([content.length, ~content.length]);
    return new Text(content.toString('latin1'));
  },
};

describe('the local tier', () => {
  it('drops what was used least recently, and counts every byte', () => {
    const tier = new LocalTier(10_000, new ManualClock());
    for (const name of ['a', 'b', 'c', 'd']) tier.put(name, value(1_400), Infinity);
    const { bytes } = tier.usage();
    expect(bytes).toBeGreaterThan(4 * 1_400 + 4 * 900);
    expect(tier.usage()).toEqual({ entries: 4, bytes, evictions: 0 });
    tier.get('a');
    tier.put('e', value(1_400), Infinity);
    expect(tier.get('b')).toBeUndefined();
    expect(tier.get('a')).toEqual(value(1_400));
    expect(tier.usage()).toEqual({ entries: 4, bytes, evictions: 1 });
  });

  it('forgets the value before where the new one is too large to keep', () => {
    const tier = new LocalTier(10_000, new ManualClock());
    tier.put('a', value(10), Infinity);
    tier.put('a', value(20_000), Infinity);
    expect(tier.get('a')).toBeUndefined();
    expect(tier.usage()).toMatchObject({ entries: 0, bytes: 0 });
  });

  it('tells a value once that it was let go of, or not taken', () => {
    const clock = new ManualClock();
    const tier = new LocalTier(4_000, clock);
    const dropped: string[] = [];
    const put = (name: string, bytes: number, expiresAtMs = Infinity) =>
      tier.put(name, { bytes, dropped: () => dropped.push(`${name} ${bytes}`) }, expiresAtMs);
    put('replaced', 1);
    put('replaced', 2);
    put('large', 4_000);
    put('deleted', 3);
    tier.delete('deleted');
    put('expired', 4, clock.monotonic());
    tier.get('expired');
    put('evicting', 2_500);
    put('n\u0100', 5);
    put('long'.repeat(3_000), 6);
    expect(dropped.slice(0, 5)).toEqual(['replaced 1', 'large 4000', 'deleted 3', 'expired 4', 'replaced 2']);
    expect(dropped.slice(5)).toEqual(['n\u0100 5', `${'long'.repeat(3_000)} 6`]);
  });

  it('drops what has expired, and counts no eviction for it', () => {
    const clock = new ManualClock();
    const tier = new LocalTier(10_000, clock);
    tier.put('a', value(10), clock.monotonic() + 100);
    clock.advance(99);
    expect(tier.get('a')).toEqual(value(10));
    clock.advance(1);
    expect(tier.get('a')).toBeUndefined();
    expect(tier.usage()).toEqual({ entries: 0, bytes: 0, evictions: 0 });
  });

  it('is told from a name that begins like another, or has the same low bytes', () => {
    const tier = new LocalTier(100_000, new ManualClock(), textPacking);
    tier.put('a', new Text('short'), Infinity);
    tier.put('a\0', new Text('long'), Infinity);
    tier.put('\u0161', new Text('wide'), Infinity);
    expect(tier.get('a')).toEqual(new Text('short'));
    expect(tier.get('a\0')).toEqual(new Text('long'));
    expect(tier.get('\u0161')).toBeUndefined();
  });

  it('gives copies of what it has as bytes', () => {
    let given: Buffer = Buffer.alloc(0);
    const bytePacking: Packing<Sized> = {
      pack: () => ({ content: Buffer.from('abc'), numbers: [0, 0] }),
      unpack(content) {
        given = content;
        return value(content.length);
      },
    };
    const tier = new LocalTier<Sized>(10_000, new ManualClock(), bytePacking);
    tier.put('a', value(3), Infinity);
    tier.get('a');
    const first = given;
    first.fill(0);
    tier.get('a');
    expect(given.toString()).toBe('abc');
    tier.delete('a');
    tier.put('b', value(3), Infinity);
    expect(first.equals(Buffer.alloc(3))).toBe(true);
  });

  it('does as a list by last use would, packed or not, and keeps to its bound', () => {
    const name = fc.nat(40).map((n) => `name ${n}`.repeat(1 + (n % 7)));
    const text = fc
      .integer({ min: 0, max: 6_000 })
      .map((n) => new Text(String.fromCharCode(n % 256).repeat(n)));
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('put' as const),
          name,
          text,
          lifeMs: fc.constantFrom(3, Infinity),
        }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('get' as const), name }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), name }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
        const clock = new ManualClock();
        const tier = new LocalTier<Sized>(60_000, clock, textPacking);
        const model = new Map<string, { text: Text; expiresAtMs: number }>();
        for (const one of steps) {
          if (one.kind === 'wait') clock.advance(1);
          else if (one.kind === 'delete') {
            tier.delete(one.name);
            model.delete(one.name);
          } else if (one.kind === 'put') {
            const expiresAtMs = clock.monotonic() + one.lifeMs;
            tier.put(one.name, one.text, expiresAtMs);
            model.delete(one.name);
            model.set(one.name, { text: one.text, expiresAtMs });
            // What was not used for longest has gone, and nothing else.
            for (const gone of [...model.keys()].slice(0, model.size - tier.usage().entries))
              model.delete(gone);
          } else {
            const expected = model.get(one.name);
            const isExpired = expected !== undefined && expected.expiresAtMs <= clock.monotonic();
            expect(tier.get(one.name)).toEqual(isExpired ? undefined : expected?.text);
            model.delete(one.name);
            if (expected !== undefined && !isExpired) model.set(one.name, expected);
          }
          expect(tier.usage().entries).toBe(model.size);
          expect(tier.usage().bytes).toBeLessThanOrEqual(60_000);
        }
      }),
    );
  });

  it('counts what it takes within a tenth, with many entries', () => {
    const tier = new LocalTier<Sized>(1e9, new ManualClock(), textPacking);
    const before = process.memoryUsage();
    for (let i = 0; i < 100_000; i++) tier.put(`1/item-${i}`, new Text('x'.repeat(600)), Infinity);
    const after = process.memoryUsage();
    const counted = tier.usage().bytes / 100_000;
    const taken = (after.arrayBuffers - before.arrayBuffers) / 100_000;
    expect(counted).toBeLessThan(810);
    expect(taken).toBeLessThan(counted * 1.1);
  });
});
