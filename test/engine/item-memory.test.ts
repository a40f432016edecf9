import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { FoundItem } from '../../engine/state/found-item.ts';
import { globalIndexKey, indexEntry } from '../../engine/state/index-layout.ts';
import { ItemMemory, itemMemoryBytesMax } from '../../engine/state/item-memory.ts';
import { encodeValue, type StateKey, stateKey, tablePrefix } from '../../engine/state/layout.ts';
import { joinKey } from '../../protocol/key.ts';
import { ItemJson } from '../../protocol/reply.ts';

/* What the store does: it asks for an item, and where it is not, looks it up and offers it. */

let memory: ItemMemory;

beforeEach(() => {
  memory = new ItemMemory();
});

const keyOf = (n: number) => stateKey(1, joinKey(`p${n}`, ''));

function entryOf(n: number, size: number): FoundItem {
  const key = globalIndexKey(2, { partition: ['x'], sort: [] }, keyOf(n));
  return FoundItem.inMemory(key, indexEntry(keyOf(n), size, undefined));
}

/** As LMDB gives it: where the next value will be. */
function stored(key: StateKey, text: string): FoundItem {
  const value = encodeValue(key, itemOf(text));
  value.copy(shared);
  return FoundItem.stored(key, shared, value.length);
}

const shared = Buffer.alloc(1_000_000);

function itemOf(text: string): ItemJson {
  return new ItemJson(Buffer.from(text), text.length);
}

function textOf(found: FoundItem | undefined): string | undefined {
  return found?.take().json.toString();
}

function offer(n: number, text: string): FoundItem {
  return memory.offer(stored(keyOf(n), text), entryOf(n, text.length).key);
}

function offerTwice(n: number, text: string): void {
  offer(n, text);
  offer(n, text);
}

function get(n: number, size: number): string | undefined {
  return textOf(memory.get(entryOf(n, size)));
}

/** Entry of one item by its key, but naming another. */
function crossed(n: number, named: number, size: number): FoundItem {
  return FoundItem.inMemory(entryOf(n, size).key, indexEntry(keyOf(named), size, undefined));
}

describe('an item', () => {
  test('is kept when it is read for the second time, and stays as it was', () => {
    expect(textOf(offer(1, 'one'))).toBe('one');
    expect(get(1, 3)).toBeUndefined();
    const kept = offer(1, 'one');
    offer(2, 'two');
    expect(textOf(kept)).toBe('one');
    expect(get(1, 3)).toBe('one');
    expect(get(2, 3)).toBeUndefined();
  });

  test('is gone when it is forgotten, and comes back as it is then', () => {
    offerTwice(1, 'before');
    memory.forget(keyOf(1));
    expect(get(1, 6)).toBeUndefined();
    offerTwice(1, 'behind');
    expect(get(1, 6)).toBe('behind');
  });

  test('is not kept if it is large', () => {
    offerTwice(1, 'x'.repeat(4096));
    offerTwice(2, 'x'.repeat(4097));
    expect(get(1, 4096)).toHaveLength(4096);
    expect(get(2, 4097)).toBeUndefined();
  });

  test('is refused if it is not what was written', () => {
    const spoiled = () => {
      const found = stored(keyOf(1), 'one');
      shared[found.start] = 0x20;
      return memory.offer(found, entryOf(1, 3).key);
    };
    spoiled();
    expect(spoiled).toThrow('its checksum is wrong');
    expect(get(1, 3)).toBeUndefined();
  });

  test('is not given to an entry that may not be its own', () => {
    offerTwice(1, 'one');
    offerTwice(2, 'two');
    expect(memory.get(crossed(2, 1, 3))).toBeUndefined();
    expect(memory.get(crossed(1, 2, 3))).toBeUndefined();
    expect(get(1, 4)).toBeUndefined();
    const { key } = entryOf(1, 3);
    for (let i = 1; i <= 16; i++) {
      const at = key.length - i;
      const changed = String.fromCharCode(key.charCodeAt(at) ^ 1);
      const content = indexEntry(keyOf(1), 3, undefined);
      const entry = FoundItem.inMemory(key.slice(0, at) + changed + key.slice(at + 1), content);
      expect(memory.get(entry)).toBeUndefined();
    }
    expect(get(1, 3)).toBe('one');
  });
});

test('the oldest leave when there is no more room', () => {
  const text = 'x'.repeat(4000);
  const count = Math.ceil((1.5 * itemMemoryBytesMax) / text.length);
  for (let n = 0; n < count; n++) offerTwice(n, text);
  const kept = Array.from({ length: count }, (_, n) => n).filter((n) => get(n, text.length) !== undefined);
  expect(kept.length * text.length).toBeLessThanOrEqual(itemMemoryBytesMax);
  expect(kept.length * text.length).toBeGreaterThan(0.95 * itemMemoryBytesMax);
  expect(kept.at(0)).toBeGreaterThanOrEqual(count - 1.05 * kept.length);
  expect(kept.at(-1)).toBe(count - 1);
});

test('hardly an item is lost to another one', () => {
  const entries = Array.from({ length: 100_000 }, (_, n) => {
    const tie = String(n).padStart(16, '0');
    return FoundItem.inMemory(tie, indexEntry(tablePrefix(n), tie.length, undefined));
  });
  for (const [n, { key: tie }] of entries.entries()) {
    memory.offer(stored(tablePrefix(n), tie), tie);
    memory.offer(stored(tablePrefix(n), tie), tie);
  }
  const found = entries.flatMap((entry) => memory.get(entry) ?? []);
  expect(found.length).toBeGreaterThan(0.95 * entries.length);
  expect(found.filter((item) => textOf(item) !== item.key)).toEqual([]);
});

test('what is kept is what was read last', () => {
  const step = fc.record({ n: fc.nat(5), forget: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      memory = new ItemMemory();
      const texts = [0, 0, 0, 0, 0, 0];
      for (const { n, forget } of steps) {
        if (forget) {
          memory.forget(keyOf(n));
          texts[n] = (texts[n] as number) + 1;
        }
        const text = `${n} ${texts[n]}`;
        const kept = get(n, text.length);
        if (kept === undefined) offer(n, text);
        else expect(kept).toBe(text);
      }
    }),
  );
});
