import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FoundItem } from '../../engine/state/found-item.ts';
import { encodeValue, StateDamagedError } from '../../engine/state/layout.ts';
import { PageBody } from '../../engine/state/page-body.ts';
import { ItemJson, type Output, PartJson, Reply } from '../../protocol/reply.ts';

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

function addTo(body: PageBody, one: Row, value: Buffer): void {
  if (one.kind === 'text') {
    body.addPart(new PartJson(Buffer.from(one.json)));
  } else if (one.kind === 'memory') {
    body.add(FoundItem.inMemory(one.key, new ItemJson(Buffer.from(one.json), one.size)));
  } else {
    value.copy(shared);
    const found = FoundItem.stored(one.key, shared, value.length);
    body.add(one.kind === 'behind' ? found.behind(lead.length) : found);
  }
}

describe('the body of a page', () => {
  test('has the JSON of the items, wherever they were found, and its checksum', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 30 }), fc.string({ unit: 'grapheme' }), (rows, last) => {
        const members = { Count: rows.length, LastEvaluatedKey: { p: { S: last } } };
        const reply = finished(rows, rows.map(encoded), members);
        const items = rows.map(({ json }) => JSON.parse(json) as unknown);
        expect(JSON.parse(reply.body.toString())).toEqual({ Items: items, ...members });
        expect(reply.crc32).toBe(crc32(reply.body));
      }),
    );
  });

  test('is what the members of the reply say', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 10 }), (rows) => {
        const reply = finished(rows, rows.map(encoded), { Count: rows.length });
        expect(new Reply(reply.output).body.toString()).toBe(reply.body.toString());
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
        const key = Buffer.from(rows[damaged]?.key ?? '', 'latin1').toString('hex');
        const make = () => finished(rows, values, { Count: rows.length });
        expect(make).toThrow(StateDamagedError);
        expect(make).toThrow(`at key ${key}: `);
      }),
    );
  });

  test('stays as it is when the next one is made', () => {
    const [first, second] = ['{"a":{"S":"1"}}', '{"a":{"S":"22"}}'].map((json) => {
      const body = new PageBody();
      body.addPart(new PartJson(Buffer.from(json)));
      return body;
    });
    expect(first?.finish({ Count: 1 }).body.toString()).toBe('{"Items":[{"a":{"S":"1"}}],"Count":1}');
    const reply = second?.finish({ Count: 1 });
    new PageBody().addPart(new PartJson(Buffer.from('{"b":{"S":"333"}}')));
    expect(reply?.body.toString()).toBe('{"Items":[{"a":{"S":"22"}}],"Count":1}');
  });
});

function finished(rows: readonly Row[], values: readonly Buffer[], members: Output): Reply {
  const body = new PageBody();
  for (const [i, one] of rows.entries()) addTo(body, one, values[i] as Buffer);
  return body.finish(members);
}

function flip(value: Buffer, bit: number): void {
  const at = bit % (value.length * 8);
  value[at >> 3] = (value[at >> 3] as number) ^ (1 << (at & 7));
}
