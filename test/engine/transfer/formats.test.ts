import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvItems } from '../../../engine/transfer/csv.ts';
import { dynamodbJson } from '../../../engine/transfer/dynamodb-json.ts';
import { ionText } from '../../../engine/transfer/ion.ts';
import { type AttributeValue, canonicalItem, type Item } from '../../../protocol/attribute-value.ts';

/* What exports write, imports read. Shapes and examples are AWS's (S3DataExport.Output, S3DataImport.Format). */

const text = fc.string({ unit: 'binary', maxLength: 20 });
const binary = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const number = fc.oneof(
  fc.integer().map(String),
  fc
    .tuple(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), fc.integer({ min: -90, max: 80 }))
    .map(([n, e]) => `${n}e${e}`),
);
const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text.map((S) => ({ S })),
    number.map((N) => ({ N })),
    binary.map((B) => ({ B })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant({ NULL: true }),
    fc.uniqueArray(text, { minLength: 1, maxLength: 4 }).map((SS) => ({ SS })),
    fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 4 }).map((ns) => ({ NS: ns.map(String) })),
    fc.uniqueArray(binary, { minLength: 1, maxLength: 4 }).map((BS) => ({ BS })),
    fc.array(tie('value'), { maxLength: 4 }).map((L) => ({ L })),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }).map((M) => ({ M })),
  ),
}));
const item = fc.dictionary(text, value, { maxKeys: 6 }).map((raw) => canonicalItem(raw as Item));

const bytesOf = (of: Item) => Buffer.from(JSON.stringify(of));

describe.each([
  ['DYNAMODB_JSON', dynamodbJson],
  ['ION', ionText],
])('%s', (_, format) => {
  test('reads the item that it wrote, from one line', () => {
    fc.assert(
      fc.property(item, (written) => {
        const line = format.item(bytesOf(written)).toString();
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(canonicalItem(format.read(line))).toEqual(written);
      }),
    );
  });

  test.each(['', '{', 'null', '[]', '{"Other":{}}', '"Item"'])('refuses the line %j', (line) => {
    expect(() => format.read(line)).toThrow();
  });
});

describe('a change is written with what there was before and after it', () => {
  const keys = { p: { S: 'a' } };
  const newImage = bytesOf({ ...keys, n: { N: '20' } });
  const changed = { timeMs: 1_680_109_764_000, keys, oldImage: bytesOf(keys), newImage };
  const inserted = { timeMs: 1_680_109_764_000, keys, oldImage: undefined, newImage };

  test('as DYNAMODB_JSON', () => {
    const start = '{"Metadata":{"WriteTimestampMicros":{"N":"1680109764000000"}},"Keys":{"p":{"S":"a"}}';
    const end = '"NewImage":{"p":{"S":"a"},"n":{"N":"20"}}}\n';
    expect(dynamodbJson.change(changed).toString()).toBe(`${start},"OldImage":{"p":{"S":"a"}},${end}`);
    expect(dynamodbJson.change(inserted).toString()).toBe(`${start},${end}`);
  });

  test('as ION', () => {
    const start = '$ion_1_0 {Record:{Keys:{p:"a"},Metadata:{WriteTimestampMicros:1680109764d6}';
    const end = 'NewImage:{p:"a",n:2d1}}}\n';
    expect(ionText.change(changed).toString()).toBe(`${start},OldImage:{p:"a"},${end}`);
    expect(ionText.change(inserted).toString()).toBe(`${start},${end}`);
  });
});

test('Ion is written as AWS writes it', () => {
  const book: Item = {
    Authors: { SS: ['Author1', 'Author2'] },
    ISBN: { S: '333-3333333333' },
    Id: { N: '103' },
    InPublication: { BOOL: false },
    PageCount: { N: '600' },
    Price: { N: '2000' },
    Small: { N: '0.5' },
    Nothing: { NULL: true },
    Title: { S: 'Book 103 Title' },
  };
  expect(ionText.item(bytesOf(book)).toString()).toBe(
    '$ion_1_0 {Item:{Authors:$dynamodb_SS::["Author1","Author2"],ISBN:"333-3333333333",Id:103.,InPublication:false,' +
      'PageCount:6d2,Price:2d3,Small:0.5,Nothing:null,Title:"Book 103 Title"}}\n',
  );
});

test('Ion of others is read: integers, symbols, floats, sets', () => {
  const line =
    "$ion_1_0 { Item : { a: 12345678901234567890, b: sym, c: 1.5e0, 'd e': $dynamodb_NS::[1, 2.5], f: null.string } }";
  expect(canonicalItem(ionText.read(line))).toEqual({
    a: { N: '12345678901234567890' },
    b: { S: 'sym' },
    c: { N: '1.5' },
    'd e': { NS: ['1', '2.5'] },
    f: { NULL: true },
  });
  expect(() => ionText.read('{Item:{a:2020-01-01T}}')).toThrow('DynamoDB has no type for an Ion timestamp');
  expect(() => ionText.read('{Item:{a:$dynamodb_NS::["x"]}}')).toThrow(
    'a member of a $dynamodb_NS has another type',
  );
});

describe('CSV', () => {
  const definitions = [
    { AttributeName: 'p', AttributeType: 'S' },
    { AttributeName: 's', AttributeType: 'N' },
  ] as const;

  async function read(bytes: string, options = {}): Promise<Item[]> {
    const items: Item[] = [];
    // One byte at a time: a character, a line and a field can lie in several chunks.
    async function* chunks() {
      for (const byte of Buffer.from(bytes)) yield Uint8Array.of(byte);
    }
    for await (const one of csvItems(chunks(), options, definitions)) items.push(one);
    return items;
  }

  test('has its names in the first line, and numbers only in keys', async () => {
    expect(await read('p,s,n\na,1,5\n"b, ""c""\né",2,\n')).toEqual([
      { p: { S: 'a' }, s: { N: '1' }, n: { S: '5' } },
      { p: { S: 'b, "c"\né' }, s: { N: '2' }, n: { S: '' } },
    ]);
  });

  test('takes names and delimiter from the request', async () => {
    expect(await read('a\t1\r\nb\t2\r\n', { delimiter: '\t', header: ['p', 's'] })).toEqual([
      { p: { S: 'a' }, s: { N: '1' } },
      { p: { S: 'b' }, s: { N: '2' } },
    ]);
  });

  test('has no attribute where a row is too short', async () => {
    expect(await read('p,s,n\na,1\n')).toEqual([{ p: { S: 'a' }, s: { N: '1' } }]);
  });

  test('fails where it is none', async () => {
    await expect(read('p,s\n"a,1\n')).rejects.toThrow(/Quote/);
  });

  test('fails with what its source fails with', async () => {
    async function* failing() {
      yield Buffer.from('p,s\na,1\n');
      throw new Error('the disk is gone');
    }
    const reading = async () => {
      for await (const _ of csvItems(failing(), {}, definitions));
    };
    await expect(reading()).rejects.toThrow('the disk is gone');
  });
});
