import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Children, ServerProcess } from './child.ts';
import { answerBody, type Operation } from './request.ts';
import type { SystemName } from './scenario.ts';

/** What a system needs to know to be started for one scenario. */
export interface StartContext {
  readonly children: Children;
  readonly core: number | undefined;
  readonly operation: Operation;
  /** A folder of its own for each start, on the disk that durable rows are measured on. */
  readonly dataDir: string;
}

/** A kind of server that can be measured. */
export interface System {
  /** Whether it keeps tables; what does not gives one fixed answer and is neither filled nor checked. */
  readonly isStore: boolean;
  start(context: StartContext): Promise<ServerProcess>;
}

/** The one place where systems are added. */
export const systems: Readonly<Record<SystemName, System>> = {
  slipstream: {
    isStore: true,
    start: (context) =>
      startScript(context, '../cli/main.js', ['--port', '0', '--data', join(context.dataDir, 'data')]),
  },
  engine: {
    isStore: true,
    start: (context) =>
      startScript(context, '../cli/main.js', [
        'engine',
        '--port',
        '0',
        '--data',
        join(context.dataDir, 'data'),
      ]),
  },
  dynalite: {
    isStore: true,
    start: (context) => startScript(context, './reference/dynalite-server.js', []),
  },
  'node-http': {
    isStore: false,
    start: (context) => startScript(context, './reference/http-server.js', [answerBody(context.operation)]),
  },
  sockets: {
    isStore: false,
    start: (context) => startScript(context, './reference/socket-server.js', [answerBody(context.operation)]),
  },
};

function startScript(context: StartContext, path: string, args: readonly string[]): Promise<ServerProcess> {
  const script = fileURLToPath(new URL(path, import.meta.url));
  return context.children.startServer({
    program: process.execPath,
    args: [script, ...args],
    core: context.core,
  });
}
