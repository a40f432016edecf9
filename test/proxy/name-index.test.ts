import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashName, isBinary, nameLengthMax } from '../../proxy/cache/name-hash.ts';
import { NameIndex, none } from '../../proxy/cache/name-index.ts';

describe('the index of names', () => {
  it('finds what is there, and nothing else, whatever hashes coincide', () => {
    // Few tables, and few places in each, by hashes that differ in few bits.
    const hashes = fc.constantFrom(0, 1, 2, 7, 8, 9, 15, 16, -1, -2, 0x7fffffff, 1 << 31, (1 << 31) + 8);
    const names = fc.nat(30).map((n) => `name ${n}`);
    const step = fc.tuple(fc.constantFrom('add', 'add', 'remove', 'replace'), names);
    fc.assert(
      fc.property(
        fc.array(hashes, { minLength: 31, maxLength: 31 }),
        fc.array(step, { maxLength: 300, size: 'max' }),
        (hashOf, steps) => {
          const refs = new Map<string, number>();
          const index = new NameIndex((ref, name) => refs.get(name) === ref);
          const hashed = (name: string) => hashOf[Number(name.slice(5))] as number;
          let last = 0;
          for (const [kind, name] of steps) {
            const ref = refs.get(name);
            if (kind === 'add' && ref === undefined) {
              refs.set(name, last);
              index.add(hashed(name), last++);
            } else if (kind === 'remove' && ref !== undefined) {
              index.remove(hashed(name), ref);
              refs.delete(name);
            } else if (kind === 'replace' && ref !== undefined) {
              index.replace(hashed(name), ref, last);
              refs.set(name, last++);
            }
            expect(index.size).toBe(refs.size);
          }
          for (let n = 0; n <= 30; n++) {
            const name = `name ${n}`;
            expect(index.find(hashed(name), name)).toBe(refs.get(name) ?? none);
          }
        },
      ),
    );
  });

  it('grows and shrinks', () => {
    const names = Array.from({ length: 50_000 }, (_, i) => `1/${i}`);
    const index = new NameIndex((ref, name) => names[ref] === name);
    for (const [ref, name] of names.entries()) index.add(hashName(name), ref);
    expect(names.every((name, ref) => index.find(hashName(name), name) === ref)).toBe(true);
    for (const [ref, name] of names.entries()) if (ref % 100 !== 0) index.remove(hashName(name), ref);
    expect(index.size).toBe(500);
    expect(
      names.every((name, ref) => index.find(hashName(name), name) === (ref % 100 === 0 ? ref : none)),
    ).toBe(true);
  });
});

describe('the hash of a name', () => {
  it('is the same for the same name, and spreads names that differ little', () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `1/item-${String(i).padStart(8, '0')}`);
    const hashes = new Set(names.map(hashName));
    expect(hashes.size).toBeGreaterThan(99_900);
    expect(names.every((name) => hashes.has(hashName(name)))).toBe(true);
    for (const bits of [24, 0]) {
      const counts = new Uint32Array(256);
      for (const hash of hashes)
        counts[(hash >>> bits) & 255] = (counts[(hash >>> bits) & 255] as number) + 1;
      expect(Math.max(...counts)).toBeLessThan(2 * (100_000 / 256));
    }
  });

  it('tells names apart that differ only in what is worth nothing to a sum', () => {
    const names = Array.from({ length: 100 }, (_, i) => '\0'.repeat(i));
    expect(new Set(names.map(hashName)).size).toBe(100);
    expect(hashName('x'.repeat(nameLengthMax))).not.toBe(hashName('y'.repeat(nameLengthMax)));
  });

  it('is of names that have a byte for each character', () => {
    expect(isBinary('\0a\xff')).toBe(true);
    expect(isBinary('a\u0100')).toBe(false);
  });
});
