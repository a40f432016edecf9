import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDB } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Program } from '../program.ts';
import { closeAll, RawClient } from '../proxy/front-harness.ts';
import { createTable } from './setups.ts';

const directory = mkdtempSync(join(tmpdir(), 'slipstream-connection-'));
const TableName = 'steady';
const Item = { p: { S: 'a' }, v: { S: 'stays' } };
let program: Program;
let server: { host: string; port: number };
let dynamo: DynamoDB;

beforeAll(async () => {
  const limits = ['--header-timeout-ms', '1s', '--request-timeout-ms', '2s', '--connections-max', '200'];
  program = Program.run(['--data', directory, '--port', '0', '--log-level', 'error', ...limits]);
  const address = await program.ready();
  server = { host: '127.0.0.1', port: Number(new URL(address).port) };
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  dynamo = new DynamoDB({ endpoint: address, region: 'us-east-1', credentials, maxAttempts: 1 });
  await createTable(dynamo, TableName);
  await dynamo.putItem({ TableName, Item });
});

afterAll(async () => {
  dynamo.destroy();
  expect(await program.end()).toMatchObject({ code: 0, stderr: '' });
  rmSync(directory, { recursive: true, force: true });
});

afterEach(async () => {
  await closeAll();
  expect((await dynamo.scan({ TableName })).Items).toEqual([Item]);
  expect(program.process.exitCode).toBeNull();
});

const put = JSON.stringify({ TableName, Item: { p: { S: 'a' }, v: { S: 'replaced' } } });

/** The head of a PutItem with these header lines besides. */
function headOf(...lines: string[]): string {
  return ['POST / HTTP/1.1', 'Host: localhost', ...lines]
    .concat('Content-Type: application/x-amz-json-1.0', 'X-Amz-Target: DynamoDB_20120810.PutItem', '', '')
    .join('\r\n');
}

describe('a length that is not true', () => {
  test('is too long: what never came is not answered with a change', async () => {
    const client = await RawClient.open(server);
    client.send(headOf(`Content-Length: ${put.length + 1}`) + put);
    client.socket.end();
    expect((await client.response())?.status ?? 400).toBe(400);
  });

  test('is too short: half a body is no JSON, and the rest no request', async () => {
    const client = await RawClient.open(server);
    client.send(headOf(`Content-Length: ${put.length - 1}`) + put);
    const [first, second, third] = await client.responses(3);
    expect(first).toMatchObject({ status: 400, body: expect.stringContaining('SerializationException') });
    // A brace may yet become a request, for as long as a head may take.
    expect(second?.status).toBe(408);
    expect(third).toBeUndefined();
  });

  test.each([
    ['twice and differently', [`Content-Length: ${put.length}`, 'Content-Length: 1'], 400],
    ['negative', ['Content-Length: -1'], 400],
    ['signed', [`Content-Length: +${put.length}`], 400],
    ['a power of ten', ['Content-Length: 1e2'], 400],
    ['hexadecimal', ['Content-Length: 0x10'], 400],
    ['a list', [`Content-Length: ${put.length}, 5`], 400],
    ['beside chunks', [`Content-Length: ${put.length}`, 'Transfer-Encoding: chunked'], 400],
    ['beyond all measure', ['Content-Length: 99999999999999999999'], 400],
    ['a gigabyte', ['Content-Length: 1073741824'], 413],
  ])('is %s', async (_name, lines, status) => {
    const client = await RawClient.open(server);
    client.send(headOf(...lines) + put);
    expect(await client.response()).toMatchObject({ status });
    expect(await client.response()).toBeUndefined();
  });

  test.each([
    ['longer than its chunk', `${(put.length - 1).toString(16)}\r\n${put}\r\n0\r\n\r\n`],
    ['no number', `zz\r\n${put}\r\n0\r\n\r\n`],
    ['negative', `-1\r\n${put}\r\n0\r\n\r\n`],
    ['enormous', `${'f'.repeat(17)}\r\n${put}\r\n0\r\n\r\n`],
  ])('of a chunk is %s', async (_name, body) => {
    const client = await RawClient.open(server);
    client.send(headOf('Transfer-Encoding: chunked') + body);
    const response = await client.response();
    expect([400, 413]).toContain(response?.status);
    expect(await client.response()).toBeUndefined();
  });
});

describe('a client that takes its time', () => {
  beforeEach(async () => {
    expect((await dynamo.getItem({ TableName, Key: { p: Item.p } })).Item).toEqual(Item);
  });

  test('over a head is let go, while others are served', async () => {
    const slow = await Promise.all(Array.from({ length: 100 }, () => RawClient.open(server)));
    for (const client of slow) client.send('POST / HTTP/1.1\r\nHost: loc');
    const served = Promise.all(
      Array.from({ length: 200 }, () => dynamo.getItem({ TableName, Key: { p: Item.p } })),
    );
    expect((await served).every((reply) => reply.Item?.v?.S === 'stays')).toBe(true);
    const ends = await Promise.all(slow.map((client) => client.response()));
    expect(ends.every((end) => end === undefined || end.status === 408)).toBe(true);
  });

  test('over a body is let go, and nothing of it done', async () => {
    const client = await RawClient.open(server);
    client.send(headOf(`Content-Length: ${put.length}`));
    let sent = 0;
    const dripping = setInterval(() => {
      // Never the last byte.
      if (sent < put.length - 1) client.send(put.charAt(sent++));
    }, 100);
    const end = await client.response();
    clearInterval(dripping);
    expect(end?.status ?? 408).toBe(408);
  });

  test('in too great a number leaves room for those who do not', async () => {
    const open = await Promise.all(
      Array.from({ length: 300 }, () => RawClient.open(server).catch(() => undefined)),
    );
    expect(open.filter((client) => client !== undefined).length).toBeGreaterThan(0);
    await closeAll();
    expect((await dynamo.getItem({ TableName, Key: { p: Item.p } })).Item).toEqual(Item);
  });
});
