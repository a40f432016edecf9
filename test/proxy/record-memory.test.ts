import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { offsetOf, RecordMemory, recordBytesMax, wasteMax } from '../../proxy/cache/record-memory.ts';

const blockBytes = 256 * 1_024;
const headBytes = 4;

/** Records by numbers that stay, with a content that tells which one it is. */
class Owner {
  readonly memory = new RecordMemory({ moved: (from, to) => this.#moved(from, to) });
  readonly #refs = new Map<number, number>();
  readonly #numbers = new Map<number, number>();
  readonly #lengths = new Map<number, number>();
  #count = 0;
  moves = 0;

  add(bytes: number): number {
    const number = this.#count++;
    const ref = this.memory.allocate(bytes);
    expect(this.#numbers.has(ref)).toBe(false);
    this.#refs.set(number, ref);
    this.#numbers.set(ref, number);
    this.#lengths.set(number, bytes - headBytes);
    this.#contentOf(number).fill(contentByte(number));
    return number;
  }

  free(number: number): void {
    const ref = this.#refs.get(number) as number;
    this.#refs.delete(number);
    this.#numbers.delete(ref);
    this.memory.free(ref);
  }

  get numbers(): number[] {
    return [...this.#refs.keys()];
  }

  /** What is not as it was written. */
  damaged(): number[] {
    return this.numbers.filter((number) =>
      this.#contentOf(number).some((byte) => byte !== contentByte(number)),
    );
  }

  #contentOf(number: number): Buffer {
    const ref = this.#refs.get(number) as number;
    const at = offsetOf(ref) + headBytes;
    return this.memory.blockOf(ref).bytes.subarray(at, at + (this.#lengths.get(number) as number));
  }

  #moved(from: number, to: number): void {
    this.moves++;
    const number = this.#numbers.get(from) as number;
    this.#numbers.delete(from);
    expect(this.#numbers.has(to)).toBe(false);
    this.#numbers.set(to, number);
    this.#refs.set(number, to);
  }
}

function contentByte(number: number): number {
  return (number % 251) + 1;
}

function wasteBytesMax(recordBytes: number): number {
  return recordBytes * wasteMax + 3 * blockBytes;
}

describe('the memory of records', () => {
  it('keeps every record as it was written, and wastes an eighth and few blocks at most', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ add: fc.integer({ min: headBytes, max: recordBytesMax }) }) },
      { weight: 2, arbitrary: fc.record({ free: fc.nat() }) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 100, maxLength: 600, size: 'max' }), (steps) => {
        const owner = new Owner();
        for (const one of steps) {
          const { numbers } = owner;
          if ('add' in one) owner.add(one.add);
          else if (numbers.length > 0) owner.free(numbers[one.free % numbers.length] as number);
          const { blockBytes: held, recordBytes } = owner.memory;
          expect(held - recordBytes).toBeLessThanOrEqual(wasteBytesMax(recordBytes));
        }
        expect(owner.damaged()).toEqual([]);
        for (const number of owner.numbers) owner.free(number);
        expect(owner.memory.recordBytes).toBe(0);
        expect(owner.memory.blockBytes).toBeLessThanOrEqual(2 * blockBytes);
      }),
      { numRuns: 30 },
    );
  });

  it('moves some ten bytes for each that is freed at most, in whatever order they are', () => {
    const owner = new Owner();
    const bytes = 800;
    const numbers = Array.from({ length: 20_000 }, () => owner.add(bytes));
    let freed = 0;
    for (let stride = 7; stride > 0; stride--) {
      for (let i = 0; i < numbers.length; i += stride) {
        const number = numbers[i];
        if (number === undefined) continue;
        owner.free(number);
        freed++;
        numbers[i] = owner.add(bytes);
      }
    }
    expect(owner.moves / freed).toBeLessThan(12);
    expect(owner.damaged()).toEqual([]);
  });

  it('moves nothing where records go in the order in which they came', () => {
    const owner = new Owner();
    const numbers = Array.from({ length: 5_000 }, () => owner.add(800));
    for (const number of numbers) {
      owner.free(number);
      owner.add(800);
    }
    expect(owner.moves).toBe(0);
    expect(owner.memory.blockBytes).toBeLessThanOrEqual(5_000 * 800 + 2 * blockBytes);
  });

  it('takes little for little', () => {
    const owner = new Owner();
    owner.add(100);
    expect(owner.memory.blockBytes).toBeLessThan(64 * 1_024);
  });
});
