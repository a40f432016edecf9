import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readConfiguration } from '../../cli/config/settings.ts';
import { type OpenBackend, serve } from '../../cli/serve.ts';

const watched = ['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection'] as const;
type Listener = (...args: unknown[]) => void;
let before: (readonly [string, readonly unknown[]])[];
let exited: Promise<unknown>;

beforeEach(() => {
  before = watched.map((event) => [event, process.rawListeners(event)]);
  exited = new Promise((resolve) => {
    vi.spyOn(process, 'exit').mockImplementation((code) => resolve(code) as never);
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const [event, listeners] of before) {
    for (const listener of process.rawListeners(event)) {
      if (!listeners.includes(listener)) process.removeListener(event, listener as Listener);
    }
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Serves a backend that tells whether its port still took callers when it was closed; `signal` says when one comes. */
async function serveUntil(signal: (send: () => void) => void) {
  const port = await freePort();
  let accepted: boolean | undefined;
  const open: OpenBackend = async ({ lifecycle }) => {
    lifecycle.opened('engine', async () => {
      // As long as a front that opens meanwhile takes to listen.
      await new Promise((resolve) => setTimeout(resolve, 50));
      accepted = await accepts(port);
    });
    signal(() => process.emit('SIGTERM'));
    return { call: () => Promise.reject(new Error('nobody calls')), close: async () => {} };
  };
  const sources = { flags: { port: `${port}`, logLevel: 'silent' }, variables: {}, readFile: () => '' };
  await serve('engine', readConfiguration('engine', sources), '1.2.3', open);
  return { code: await exited, accepted };
}

test('a signal while the backend opens leaves the front closed', async () => {
  expect(await serveUntil((send) => send())).toEqual({ code: 0, accepted: false });
});

test('a signal while the front opens closes it ahead of the backend', async () => {
  expect(await serveUntil((send) => process.nextTick(send))).toEqual({ code: 0, accepted: false });
});
