import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Children, Command, ServerProcess } from './child.ts';
import { dynamoDbLocalCommand, fetchDynamoDbLocal } from './reference/dynamodb-local.ts';
import type { SystemName } from './scenario.ts';

/** What a system needs to know to be started. */
export interface StartContext {
  readonly children: Children;
  readonly core: number | undefined;
  /** What a server without tables answers. */
  readonly answer: string;
  /** A folder of its own for each start, on the disk that durable rows are measured on. */
  readonly dataDir: string;
}

/** A kind of server that can be measured. */
export interface System {
  /**
   * Whether it keeps tables. One server then serves all scenarios; what keeps none gives one fixed answer, is started for
   * each scenario, and is neither filled nor checked.
   */
  readonly isStore: boolean;
  /** Makes it ready to be started. @returns why it cannot run on this machine, or undefined if it can. */
  obstacle?(): string | undefined;
  command(context: StartContext): Omit<Command, 'core'>;
}

/** The one place where systems are added. */
export const systems: Readonly<Record<SystemName, System>> = {
  slipstream: {
    isStore: true,
    command: ({ dataDir }) => script('../cli/main.js', ['--port', '0', '--data', join(dataDir, 'data')]),
  },
  engine: {
    isStore: true,
    command: ({ dataDir }) =>
      script('../cli/main.js', ['engine', '--port', '0', '--data', join(dataDir, 'data')]),
  },
  dynalite: {
    isStore: true,
    command: () => script('./reference/dynalite-server.js', []),
  },
  'dynamodb-local': {
    isStore: true,
    obstacle: fetchDynamoDbLocal,
    command: dynamoDbLocalCommand,
  },
  'node-http': {
    isStore: false,
    command: (context) => script('./reference/http-server.js', [answerFile(context)]),
  },
  sockets: {
    isStore: false,
    command: (context) => script('./reference/socket-server.js', [answerFile(context)]),
  },
};

export function startSystem(name: SystemName, context: StartContext): Promise<ServerProcess> {
  return context.children.startServer({ ...systems[name].command(context), core: context.core });
}

function script(path: string, args: readonly string[]): Omit<Command, 'core'> {
  const file = fileURLToPath(new URL(path, import.meta.url));
  return { program: process.execPath, args: [file, ...args] };
}

/** An answer can be longer than a command line may be. */
function answerFile({ dataDir, answer }: StartContext): string {
  const file = join(dataDir, 'answer');
  writeFileSync(file, answer);
  return file;
}
