import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { describeSetups } from './setups.ts';
import { Watch } from './watch.ts';
import { type Answer, Wire } from './wire.ts';

const megabyte = 1024 * 1024;

/** 128 megabytes of spaces, which JSON may begin with. */
const bomb = gzipSync(Buffer.alloc(128 * megabyte, 0x20));

describeSetups((setup) => {
  const wire = new Wire(setup);
  let watch: Watch;
  beforeAll(async () => {
    watch = await Watch.over(setup);
  });
  afterEach(() => watch.check());
  afterAll(() => wire.close());

  /** A PutItem into the watched table, with this text where the value of an attribute stands. */
  function putOf(value: string): string {
    return `{"TableName":"${watch.tableName}","Item":{"p":{"S":"p0"},"s":{"N":"0"},"v":${value}}}`;
  }

  describe('a body that is no JSON', () => {
    test.each([
      '{',
      '}',
      '}{',
      '{}{}',
      '{} x',
      'habababa',
      '"""',
      '{"""}',
      '{""}',
      '{7}',
      '{3: 1}',
      '{,}',
      '{"a":}',
      '{"a":1,}',
      '{"a" 1}',
      "{'a':1}",
      '{"a":01}',
      '{"a":+1}',
      '{"a":.5}',
      '{"a":NaN}',
      '{"a":undefined}',
      '{"a":"\n"}',
      '{"a":"\\x"}',
      '{"a":"\\u12"}',
      '{"a":tru}',
      '{/* */}',
      '{"a":[1,]}',
      '[',
      '\u0000',
      '{\u00a0}',
      '><#',
    ])('%j', async (body) => {
      for (const operation of ['PutItem', 'GetItem', 'ListTables']) {
        expect(await wire.send(operation, body)).toMatchObject({
          status: 400,
          error: 'SerializationException',
        });
      }
    });

    test('nor any beginning of one', async () => {
      const whole = putOf('{"S":"replaced"}');
      const answers = await Promise.all(
        Array.from({ length: whole.length }, (_, length) => wire.send('PutItem', whole.slice(0, length))),
      );
      const errors = new Set(answers.map(({ status, error }) => `${status} ${error}`));
      expect(errors).toEqual(new Set(['400 SerializationException']));
    });
  });

  describe('a body that is no object', () => {
    test.each(['null', 'true', '7', '"{}"', '[]', '[{}]', ' null '])('%s', async (body) => {
      for (const operation of ['PutItem', 'BatchWriteItem', 'Query', 'ListTables', 'CreateTable']) {
        expect(await wire.send(operation, body)).toMatchObject({
          status: 400,
          error: 'SerializationException',
        });
      }
    });
  });

  describe('a body that nests too deep', () => {
    const levels = 100_000;
    test.each([
      ['arrays', '['.repeat(levels) + ']'.repeat(levels)],
      ['arrays that do not end', '['.repeat(levels)],
      ['objects', `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`],
      ['lists', `${'{"L":['.repeat(levels)}{"S":"x"}${']}'.repeat(levels)}`],
      ['maps', `${'{"M":{"a":'.repeat(levels)}{"S":"x"}${'}}'.repeat(levels)}`],
    ])('%s, as a body and inside of an item', async (_name, body) => {
      for (const sent of [body, putOf(body)]) {
        expect(await wire.send('PutItem', sent)).toMatchObject({
          status: 400,
          error: 'SerializationException',
        });
      }
    });

    test.each([32, 40, 50, 60, 100])(
      'maps of %d levels, where an attribute value can stand',
      async (count) => {
        const value = `${'{"M":{"a":'.repeat(count)}{"S":"x"}${'}}'.repeat(count)}`;
        const bodies: [string, string][] = [
          ['PutItem', putOf(value)],
          ['GetItem', `{"TableName":"${watch.tableName}","Key":{"p":${value},"s":{"N":"0"}}}`],
          ['Scan', `{"TableName":"${watch.tableName}","ExclusiveStartKey":{"p":${value},"s":{"N":"0"}}}`],
          [
            'BatchWriteItem',
            `{"RequestItems":{"${watch.tableName}":[{"PutRequest":{"Item":{"p":${value}}}}]}}`,
          ],
          [
            'Scan',
            `{"TableName":"${watch.tableName}","FilterExpression":"a = :a","ExpressionAttributeValues":{":a":${value}}}`,
          ],
        ];
        for (const [operation, body] of bodies) expectRefused(await wire.send(operation, body));
      },
    );
  });

  describe('text', () => {
    test.each<[string, Buffer]>([
      ['a continuation byte alone', Buffer.from([0x80])],
      ['a byte that never occurs', Buffer.from([0xff])],
      ['a sequence that breaks off', Buffer.from([0xe2, 0x82])],
      ['an overlong slash', Buffer.from([0xc0, 0xaf])],
      ['a surrogate', Buffer.from([0xed, 0xa0, 0x80])],
      ['a character beyond the last', Buffer.from([0xf4, 0x90, 0x80, 0x80])],
      ['Latin-1', Buffer.from('ä', 'latin1')],
    ])('that is not UTF-8: %s', async (_name, bytes) => {
      const [before = '', after = ''] = putOf('{"S":"?"}').split('?');
      const body = Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
      expect(await wire.send('PutItem', body)).toMatchObject({
        status: 400,
        error: 'SerializationException',
      });
    });

    test('in UTF-16 is no JSON', async () => {
      const body = Buffer.from(`\ufeff${putOf('{"S":"x"}')}`, 'utf16le');
      expect(await wire.send('PutItem', body)).toMatchObject({
        status: 400,
        error: 'SerializationException',
      });
    });

    test('of lone surrogates is stored as what UTF-8 can say', async () => {
      const TableName = await setup.table();
      const Key = '{"p":{"S":"\\udc00key"}}';
      const put = `{"TableName":"${TableName}","Item":{"p":{"S":"\\udc00key"},"v":{"S":"a\\ud800"},"m":{"M":{"\\ud800":{"SS":["\\udfff"]}}}}}`;
      expect(await wire.send('PutItem', put)).toMatchObject({ status: 200 });
      for (let times = 0; times < 2; times++) {
        const { status, body } = await wire.send('GetItem', `{"TableName":"${TableName}","Key":${Key}}`);
        expect(status).toBe(200);
        expect(JSON.parse(body).Item).toMatchObject({ p: { S: '\ufffdkey' }, v: { S: 'a\ufffd' } });
      }
      expect((await setup.dynamo.scan({ TableName })).Count).toBe(1);
      await setup.dynamo.deleteTable({ TableName });
    });
  });

  describe('an encoded body', () => {
    const body = () => Buffer.from(`{"TableName":"${watch.tableName}"}`);

    test('is decoded', async () => {
      const answer = await wire.send('DescribeTable', gzipSync(body()), { 'Content-Encoding': 'gzip' });
      expect(answer).toMatchObject({ status: 200 });
    });

    test.each<[string, string, (plain: Buffer) => Buffer]>([
      ['that is not encoded', 'gzip', (plain) => plain],
      ['that breaks off', 'gzip', (plain) => gzipSync(plain).subarray(0, -9)],
      ['with a wrong checksum', 'gzip', (plain) => flipped(gzipSync(plain), -5)],
      ['in another way than it says', 'deflate', (plain) => gzipSync(plain)],
      ['in a way nobody knows', 'br', (plain) => plain],
      ['in two ways', 'gzip, gzip', (plain) => gzipSync(gzipSync(plain))],
      ['that is empty', 'gzip', () => gzipSync('')],
    ])('%s is refused', async (_name, encoding, encode) => {
      const answer = await wire.send('DescribeTable', encode(body()), { 'Content-Encoding': encoding });
      expect(answer).toMatchObject({ status: 400, error: 'SerializationException' });
    });

    test('that explodes is refused before it has', async () => {
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => wire.send('PutItem', bomb, { 'Content-Encoding': 'gzip' })),
      );
      expect(answers.map(({ status }) => status)).toEqual([413, 413, 413, 413]);
    });
  });

  describe('a big body', () => {
    test('is refused beyond 16 MB', async () => {
      const answer = await wire.send('PutItem', putOf(`{"S":"${'x'.repeat(17 * megabyte)}"}`)).catch(String);
      // The answer comes before the whole body has been sent, which may break the pipe on this side.
      expect(answer).toSatisfy((given: Answer | string) =>
        typeof given === 'string' ? /EPIPE|ECONNRESET/.test(given) : given.status === 413,
      );
    });

    test('is read up to 16 MB, and refused for what is in it', async () => {
      const answer = await wire.send('PutItem', putOf(`{"S":"${'x'.repeat(15 * megabyte)}"}`));
      expect(answer).toMatchObject({
        status: 400,
        error: 'ValidationException',
        message: 'Item size has exceeded the maximum allowed size',
      });
    });

    test('of very many attributes, members, and elements is refused', async () => {
      const names = Array.from({ length: 100_000 }, (_, i) => `"a${i}":{"S":""}`).join();
      const item = `{"TableName":"${watch.tableName}","Item":{"p":{"S":"p0"},"s":{"N":"0"},${names}}}`;
      expect(await wire.send('PutItem', item)).toMatchObject({
        error: 'ValidationException',
        message: 'Item size has exceeded the maximum allowed size',
      });
      const numbers = Array.from({ length: 200_000 }, (_, i) => `"${i}"`).join();
      expectRefused(await wire.send('PutItem', putOf(`{"NS":[${numbers}]}`)));
      expectRefused(await wire.send('PutItem', putOf(`{"L":[${'{"S":""},'.repeat(450_000)}{"S":""}]}`)));
      const references = Array.from({ length: 100_000 }, (_, i) => `"#a${i}":"a"`).join();
      const scan = `{"TableName":"${watch.tableName}","FilterExpression":"#a0 = #a1","ExpressionAttributeNames":{${references}}}`;
      expectRefused(await wire.send('Scan', scan));
      const keys = `${'{"p":{"S":"p0"},"s":{"N":"0"}},'.repeat(100_000)}{}`;
      expectRefused(
        await wire.send('BatchGetItem', `{"RequestItems":{"${watch.tableName}":{"Keys":[${keys}]}}}`),
      );
      const tables = Array.from({ length: 100_000 }, (_, i) => `"table-${i}":[]`).join();
      expectRefused(await wire.send('BatchWriteItem', `{"RequestItems":{${tables}}}`));
    });

    test('of unknown members is read over', async () => {
      const members = Array.from({ length: 100_000 }, (_, i) => `"Unknown${i}":[{}]`).join();
      const answer = await wire.send('DescribeTable', `{${members},"TableName":"${watch.tableName}"}`);
      expect(answer).toMatchObject({ status: 200 });
    });

    test('of very long numbers is refused', async () => {
      const digits = '9'.repeat(megabyte);
      for (const N of [digits, `-${digits}`, `0.${digits}`, `1e${digits}`, `1e-${digits}`, `${digits}x`]) {
        expectRefused(await wire.send('PutItem', putOf(`{"N":"${N}"}`)));
      }
      expectRefused(await wire.send('Scan', `{"TableName":"${watch.tableName}","Limit":${digits}}`));
    });
  });

  test('the last of two members of one name counts', async () => {
    const twice = `{"TableName":"no-such-table","TableName":"${watch.tableName}"}`;
    expect(await wire.send('DescribeTable', twice)).toMatchObject({ status: 200 });
    const value = `{"TableName":"${watch.tableName}","Key":{"p":{"S":"p0","S":"p1"},"s":{"N":"0","N":"1"}}}`;
    const { body } = await wire.send('GetItem', value);
    expect(JSON.parse(body).Item).toMatchObject({ p: { S: 'p1' }, s: { N: '1' } });
  });

  test('operations that nobody knows are unknown', async () => {
    for (const operation of [
      '',
      'x',
      'putItem',
      'ListTable',
      'PutItem2',
      '__proto__',
      'constructor',
      'x'.repeat(5_000),
    ]) {
      expect(await wire.send(operation, '{}')).toMatchObject({
        status: 400,
        error: 'UnknownOperationException',
      });
    }
  });
});

function expectRefused({ status, error }: Answer): void {
  expect(status).toBe(400);
  expect(['ValidationException', 'SerializationException']).toContain(error);
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8((copy.at(at) ?? 0) ^ 1, copy.length + at);
  return copy;
}
