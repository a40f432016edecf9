import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FoundItem } from '../../engine/state/found-item.ts';
import { ItemList } from '../../engine/state/item-list.ts';
import { encodeValue, StateDamagedError } from '../../engine/state/layout.ts';
import { ItemJson, PartJson } from '../../protocol/reply.ts';

/** An item of a page: from LMDB whole, from LMDB behind something else, from memory, or made for the page. */
interface Row {
  readonly kind: 'stored' | 'behind' | 'memory' | 'text';
  readonly key: string;
  readonly size: number;
  readonly json: string;
}

/** As lmdb-js does, all values are put into one buffer, one over the other, with something behind them. */
const shared = Buffer.alloc(100_000, '?');

const row: fc.Arbitrary<Row> = fc.record({
  kind: fc.constantFrom('stored', 'stored', 'stored', 'behind', 'memory', 'text'),
  key: fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  size: fc.nat(0xffffffff),
  json: fc
    .tuple(
      fc.oneof({ weight: 9, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.nat(20_000) }),
      fc.string({ unit: 'grapheme' }),
    )
    .map(([length, text]) => JSON.stringify({ a: { S: text + 'x'.repeat(length) } })),
});

const lead = 'something else';

function encoded({ kind, key, size, json }: Row): Buffer {
  const content = kind === 'behind' ? `${lead}${json}` : json;
  return encodeValue(key, new ItemJson(Buffer.from(content), size));
}

function addTo(list: ItemList, one: Row, value: Buffer): void {
  if (one.kind === 'text') {
    list.addPart(new PartJson(Buffer.from(one.json)));
  } else if (one.kind === 'memory') {
    list.add(FoundItem.inMemory(one.key, new ItemJson(Buffer.from(one.json), one.size)));
  } else {
    value.copy(shared);
    const found = FoundItem.stored(one.key, shared, value.length);
    list.add(one.kind === 'behind' ? found.behind(lead.length) : found);
  }
}

describe('the list of the items of a page', () => {
  test('is their JSON, wherever they were found', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), (rows) => {
        const list = new ItemList();
        for (const one of rows) addTo(list, one, encoded(one));
        expect(list.finish().json.toString()).toBe(`[${rows.map(({ json }) => json).join(',')}]`);
      }),
    );
  });

  test('is refused with the key of an item of which a bit has changed', () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 12 }), fc.nat(), fc.nat(), (rows, which, bit) => {
        const values = rows.map(encoded);
        const stored = rows.flatMap(({ kind }, i) => (kind === 'stored' || kind === 'behind' ? [i] : []));
        fc.pre(stored.length > 0);
        const damaged = stored[which % stored.length] as number;
        flip(values[damaged] as Buffer, bit);
        const list = new ItemList();
        const make = () => {
          for (const [i, one] of rows.entries()) addTo(list, one, values[i] as Buffer);
          list.finish();
        };
        const key = Buffer.from(rows[damaged]?.key ?? '', 'latin1').toString('hex');
        expect(make).toThrow(StateDamagedError);
        expect(make).toThrow(`at key ${key}: `);
      }),
    );
  });

  test('stays as it is when the next one is made', () => {
    const [first, second] = ['{"a":{"S":"1"}}', '{"a":{"S":"22"}}'];
    const lists = [first, second].map((json) => {
      const list = new ItemList();
      list.addPart(new PartJson(Buffer.from(json)));
      return list;
    });
    expect(lists.map((list) => list.finish().json.toString())).toEqual([`[${first}]`, `[${second}]`]);
    const list = new ItemList();
    list.addPart(new PartJson(Buffer.from('{}')));
    const finished = list.finish();
    new ItemList().addPart(new PartJson(Buffer.from(second as string)));
    expect(finished.json.toString()).toBe('[{}]');
  });
});

function flip(value: Buffer, bit: number): void {
  const at = bit % (value.length * 8);
  value[at >> 3] = (value[at >> 3] as number) ^ (1 << (at & 7));
}
