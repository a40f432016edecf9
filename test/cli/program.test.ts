import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Exit, Program } from '../program.ts';

let directory: string;
let started: Program[];
let clients: DynamoDBClient[];
let servers: HttpServer[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-program-'));
  started = [];
  clients = [];
  servers = [];
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  for (const program of started) await program.end('SIGKILL');
  for (const server of servers) server.close();
  rmSync(directory, { recursive: true, force: true });
});

const data = () => join(directory, 'data');

function run(words: readonly string[], environment?: NodeJS.ProcessEnv): Program {
  const program = Program.run(words, environment);
  started.push(program);
  return program;
}

function clientOf(endpoint: string, secretAccessKey = 'local'): DynamoDBClient {
  const credentials = { accessKeyId: 'local', secretAccessKey };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  clients.push(client);
  return client;
}

async function createMusic(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: 'Music',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'Artist', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'Artist', KeyType: 'HASH' }],
    }),
  );
  while ((await statusOfMusic(client)) !== 'ACTIVE');
}

async function statusOfMusic(client: DynamoDBClient): Promise<string | undefined> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: 'Music' }));
  return Table?.TableStatus;
}

const song = { Artist: { S: 'Nina Simone' }, Plays: { N: '12' } };

function putSong(client: DynamoDBClient) {
  return client.send(new PutItemCommand({ TableName: 'Music', Item: song }));
}

async function getSong(client: DynamoDBClient) {
  const { Item } = await client.send(
    new GetItemCommand({ TableName: 'Music', Key: { Artist: song.Artist } }),
  );
  return Item;
}

function listTables(client: DynamoDBClient): Promise<unknown> {
  return client.send(new ListTablesCommand({}));
}

async function startHoldingEndpoint() {
  let answer = () => {};
  const server = createHttpServer();
  servers.push(server);
  const called = new Promise<void>((resolve) => {
    server.on('request', (_request, response) => {
      answer = () => void response.end('{"TableNames":["Held"]}');
      resolve();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, called, answer: () => answer() };
}

/** A start that fails says why in one line on stderr and nothing on stdout. */
function expectRefusal(exit: Exit, code: number, reason: string): void {
  expect(exit).toMatchObject({ code, stdout: '' });
  const refusals = exit.stderr.split('\n').filter((line) => line.startsWith('slipstream: '));
  expect(refusals).toEqual([expect.stringContaining(reason)]);
  expect(exit.stderr).not.toMatch(/^ +at /m);
}

describe('start', () => {
  test('serves an SDK, keeps what it wrote, and ends cleanly with 0', async () => {
    const first = run(['--port', '0', '--data', data()]);
    const client = clientOf(await first.ready());
    await createMusic(client);
    await putSong(client);
    expect(await getSong(client)).toEqual(song);
    expect(await getSong(client)).toEqual(song);
    expect(await first.end('SIGTERM')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ready http:\/\/127\.0\.0\.1:\d+\n$/),
    });

    const second = run(['start', '--port=0', '--data', data()]);
    expect(await getSong(clientOf(await second.ready()))).toEqual(song);
    expect(await second.end('SIGINT')).toMatchObject({ code: 0 });
  });

  test('tells address, data folder, cache size and an example in JSON where no terminal listens', async () => {
    const program = run(['--port', '0', '--data', data(), '--cache-size', '32MB']);
    const address = await program.ready();
    const { stderr } = await program.end();
    const records = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records).toContainEqual(
      expect.objectContaining({
        msg: 'listening',
        address,
        data: `${data()} (durability: sync)`,
        cache: '32 MB',
        example: [
          expect.stringContaining(`export AWS_ENDPOINT_URL_DYNAMODB=${address} `),
          'aws dynamodb list-tables',
        ],
      }),
    );
  });

  test('tells them in short lines where asked to', async () => {
    const program = run(['--port', '0', '--data', data(), '--log-format', 'pretty']);
    const address = await program.ready();
    const { stderr } = await program.end();
    expect(stderr).toContain(
      `  address  ${address}\n  data     ${data()} (durability: sync)\n  cache    256 MB\n`,
    );
    expect(stderr).toContain(`\n    export AWS_ENDPOINT_URL_DYNAMODB=${address} `);
  });

  test('takes its options from a file and from variables', async () => {
    const file = join(directory, 'slipstream.yaml');
    writeFileSync(file, `port: 0\ndata: \${BASE}/data\nlogLevel: debug\nupstream: http://unused\n`);
    const program = run(['--config', file], { BASE: directory, SLIPSTREAM_LOG_LEVEL: 'silent' });
    await program.ready();
    expect(readdirSync(directory)).toContain('data');
    expect(await program.end()).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('the engine alone, and the proxy in front of it', () => {
  test('serve an SDK', async () => {
    const engine = run(['engine', '--port', '0', '--data', data()]);
    const upstream = await engine.ready();
    const proxy = run(['proxy', '--port', '0', '--upstream', upstream]);
    const client = clientOf(await proxy.ready());
    await createMusic(client);
    await putSong(client);
    expect(await getSong(client)).toEqual(song);
    expect(await getSong(clientOf(upstream))).toEqual(song);
    expect(await proxy.end()).toMatchObject({ code: 0 });
    expect(await engine.end()).toMatchObject({ code: 0 });
  });
});

describe('a signal while a call is under way', () => {
  /** A proxy in front of an endpoint that answers when it is told to, with a call that waits for that. */
  async function waitingCall(words: string[] = [], ask = listTables) {
    const { endpoint, called, answer } = await startHoldingEndpoint();
    const proxy = run(['proxy', '--port', '0', '--upstream', endpoint, ...words]);
    const call = ask(clientOf(await proxy.ready()));
    await called;
    return { proxy, call, answer };
  }

  test('lets the call finish, and then ends the process with 0', async () => {
    const { proxy, call, answer } = await waitingCall();
    const exit = proxy.end('SIGTERM');
    await proxy.said('"stopping"');
    answer();
    expect(await call).toMatchObject({ TableNames: ['Held'] });
    expect(await exit).toMatchObject({ code: 0 });
  });

  test.each<[string, (client: DynamoDBClient) => Promise<unknown>]>([
    ['a call of the client', listTables],
    ['a call of the cache', getSong],
  ])('cuts %s in time where the endpoint hangs', async (_whose, ask) => {
    const { proxy, call } = await waitingCall(['--close-timeout-ms', '200'], ask);
    const failed = expect(call).rejects.toThrow();
    expect(await proxy.end('SIGTERM')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('calls to the upstream were cut'),
    });
    await failed;
  });

  test('and another one after it ends the process at once', async () => {
    const { proxy, call } = await waitingCall();
    const failed = expect(call).rejects.toThrow();
    proxy.process.kill('SIGTERM');
    await proxy.said('"stopping"');
    expect(await proxy.end('SIGINT')).toMatchObject({ code: 130 });
    await failed;
  });
});

describe('a refusal', () => {
  test('of a data folder that another process uses', async () => {
    const first = run(['--port', '0', '--data', data()]);
    const client = clientOf(await first.ready());
    expectRefusal(await run(['--port', '0', '--data', data()]).exit, 1, `${data()} is in use by process`);
    expectRefusal(await run(['check', '--data', data()]).exit, 1, `${data()} is in use by process`);
    expect(await client.send(new ListTablesCommand({}))).toMatchObject({ TableNames: [] });
  });

  test('of a port that is in use; the data folder is free again', async () => {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const words = ['--port', `${port}`, '--data', data()];
    expectRefusal(
      await run(words).exit,
      1,
      `port ${port} of 127.0.0.1 is in use; stop the other process, or choose`,
    );
    await new Promise((resolve) => server.close(resolve));
    await run(words).ready();
  });

  test('of an address that this machine does not have', async () => {
    const words = ['--host', '192.0.2.1', '--insecure-no-auth', '--port', '0', '--data', data()];
    expectRefusal(
      await run(words).exit,
      1,
      '192.0.2.1 is no address of this machine; choose another with --host',
    );
  });

  test('of a data folder that is a file, or cannot be made', async () => {
    writeFileSync(data(), 'not a folder');
    expectRefusal(await run(['--port', '0', '--data', data()]).exit, 1, `${data()} is not a folder`);
    const below = join(data(), 'below');
    expectRefusal(await run(['--port', '0', '--data', below]).exit, 1, `${below} is not a folder`);
  });

  test('of a data folder where none can be made', async () => {
    const nowhere = '/proc/slipstream';
    expectRefusal(
      await run(['--port', '0', '--data', nowhere]).exit,
      1,
      `the data folder ${nowhere} cannot be`,
    );
  });

  test('of an address that other machines reach, without credentials', async () => {
    const words = ['--host', '0.0.0.0', '--port', '0', '--data', data()];
    expectRefusal(await run(words).exit, 2, '--insecure-no-auth to let everybody in');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('of a configuration with all its problems, before anything is touched', async () => {
    const exit = await run(['--port', 'x', '--data', data()], { SLIPSTREAM_CACHE_SIZE: '0' }).exit;
    expect(exit).toMatchObject({ code: 2, stdout: '' });
    expect(exit.stderr.trimEnd().split('\n')).toEqual([
      expect.stringContaining('port = "x" (flag --port)'),
      expect.stringContaining('cacheSize = "0" (variable SLIPSTREAM_CACHE_SIZE)'),
    ]);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('access', () => {
  test('with credentials, only who signs with them is let in', async () => {
    const secretFile = join(directory, 'secret');
    writeFileSync(secretFile, 'right\n');
    const words = [
      '--port',
      '0',
      '--data',
      data(),
      '--access-key-id',
      'local',
      '--secret-access-key-file',
      secretFile,
    ];
    const address = await run(words).ready();
    expect(await clientOf(address, 'right').send(new ListTablesCommand({}))).toMatchObject({
      TableNames: [],
    });
    await expect(clientOf(address, 'wrong').send(new ListTablesCommand({}))).rejects.toMatchObject({
      name: 'InvalidSignatureException',
    });
  });
});

describe('check', () => {
  test('of a sound folder says what it looked at, with 0', async () => {
    const program = run(['--port', '0', '--data', data()]);
    const client = clientOf(await program.ready());
    await createMusic(client);
    await putSong(client);
    await program.end();
    const exit = await run(['check', '--data', data()]).exit;
    expect(exit).toMatchObject({ code: 0, stderr: '' });
    expect(exit.stdout).not.toBe('');
  });

  test('of a folder that is none names it, with 1', async () => {
    expectRefusal(await run(['check', '--data', data()]).exit, 1, data());
  });
});

test('npm start passes its options and signals on', async () => {
  const program = Program.npmStart(['--port', '0', '--data', data()]);
  started.push(program);
  const client = clientOf(await program.ready());
  expect(await client.send(new ListTablesCommand({}))).toMatchObject({ TableNames: [] });
  program.process.kill('SIGTERM');
  await program.exit;
  // The folder is free again only when the server itself has closed it.
  expect(await run(['check', '--data', data()]).exit).toMatchObject({ code: 0 });
});
