import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Children, Command, ServerProcess } from './child.ts';
import { redisObstacle } from './redis.ts';
import { dynamoDbLocalCommand, fetchDynamoDbLocal } from './reference/dynamodb-local.ts';
import type { SystemName } from './scenario.ts';
import type { TableFeature } from './store.ts';

/** What a system is given a port of: the store behind it, Redis, and one to serve its administration on. */
export type Need = 'engine' | 'redis' | 'admin';

/** What a system needs to know to be started. */
export interface StartContext {
  readonly children: Children;
  readonly core: number | undefined;
  /** What a server without tables answers. */
  readonly answer: string;
  /** A folder of its own for each start, on the disk that durable rows are measured on. */
  readonly dataDir: string;
  /** Of what the system needs. */
  readonly ports: ReadonlyMap<Need, number>;
}

/** A kind of server that can be measured. */
export interface System {
  /**
   * Whether it keeps tables. One server then serves all scenarios; what keeps none gives one fixed answer, is started for
   * each scenario, and is neither filled nor checked.
   */
  readonly isStore: boolean;
  /** What has to run before it. The tables of one that needs the engine are the engine's. */
  readonly needs: readonly Need[];
  /** What is switched on for each of its tables when it is filled. */
  readonly feature?: TableFeature;
  /** How long it has to run before it does as it will from then on. */
  readonly settleMs?: number;
  /** Makes it ready to be started. @returns why it cannot run on this machine, or undefined if it can. */
  obstacle?(): string | undefined | Promise<string | undefined>;
  command(context: StartContext): Omit<Command, 'core'>;
}

/** Nothing that is read once is read anew by age while it is measured. */
const lasting = ['--item-ttl-ms', '1h', '--query-ttl-ms', '1h'];
/** The least there is, which one in 17 of a table's items fills. */
const small = ['--cache-size', '1MB'];
const large = ['--cache-size', '4GB'];

/** In a Redis that it has just met, a proxy lets nothing outlive the fences that may have been lost: with this, four seconds. */
const soonKnown = ['--fence-ms', '1s'];
const knownMs = 6_000;

const engine: System = {
  isStore: true,
  needs: [],
  command: ({ dataDir }) => slipstream('engine', '--data', join(dataDir, 'data')),
};

/** The one place where systems are added. */
export const systems: Readonly<Record<SystemName, System>> = {
  slipstream: {
    isStore: true,
    needs: [],
    command: ({ dataDir }) => slipstream('--data', join(dataDir, 'data')),
  },
  engine,
  'recovery-engine': { ...engine, feature: 'recovery' },
  'stream-engine': { ...engine, feature: 'stream' },
  'history-engine': {
    ...engine,
    // So that next to everything is in files of history, and not in the log only, when their size is looked at.
    command: ({ dataDir }) =>
      slipstream('engine', '--data', join(dataDir, 'data'), '--log-segment-size', '4MB'),
  },
  proxy: proxy([], lasting),
  'small-proxy': proxy([], [...lasting, ...small]),
  'redis-proxy': proxy(['redis'], lasting),
  'other-redis-proxy': proxy(['redis'], lasting),
  'small-redis-proxy': { ...proxy(['redis'], [...lasting, ...small, ...soonKnown]), settleMs: knownMs },
  'thousand-proxy': proxy(['admin'], [...lasting, ...large]),
  'million-proxy': proxy(['admin'], [...lasting, ...large]),
  dynalite: {
    isStore: true,
    needs: [],
    command: () => script('./reference/dynalite-server.js', []),
  },
  'dynamodb-local': {
    isStore: true,
    needs: [],
    obstacle: fetchDynamoDbLocal,
    command: dynamoDbLocalCommand,
  },
  'node-http': {
    isStore: false,
    needs: [],
    command: (context) => script('./reference/http-server.js', [answerFile(context)]),
  },
  'redis-get': {
    isStore: false,
    needs: ['redis'],
    obstacle: redisObstacle,
    command: (context) =>
      script('./reference/redis-get-server.js', [portOf('redis', context), answerFile(context)]),
  },
  sockets: {
    isStore: false,
    needs: [],
    command: (context) => script('./reference/socket-server.js', [answerFile(context)]),
  },
};

export function startSystem(name: SystemName, context: StartContext): Promise<ServerProcess> {
  return context.children.startServer({ ...systems[name].command(context), core: context.core });
}

/** The accelerator in front of the engine, which is a process of its own. */
function proxy(needs: readonly Exclude<Need, 'engine'>[], words: readonly string[]): System {
  return {
    isStore: true,
    needs: ['engine', ...needs],
    ...(needs.includes('redis') ? { obstacle: redisObstacle } : {}),
    command(context) {
      const upstream = ['--upstream', `http://127.0.0.1:${portOf('engine', context)}`];
      const redis = needs.includes('redis')
        ? ['--redis', `redis://127.0.0.1:${portOf('redis', context)}`]
        : [];
      const admin = needs.includes('admin') ? ['--admin', `127.0.0.1:${portOf('admin', context)}`] : [];
      return slipstream('proxy', ...upstream, ...redis, ...admin, ...words);
    },
  };
}

function portOf(need: Need, { ports }: StartContext): string {
  const port = ports.get(need);
  if (port === undefined) throw new TypeError(`a system was started without its ${need}`);
  return String(port);
}

function slipstream(...words: readonly string[]): Omit<Command, 'core'> {
  return script('../cli/main.js', [...words, '--port', '0']);
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
