import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where a Redis for the tests and the benchmark comes from. */
export type RedisSource =
  | { readonly kind: 'container' }
  | {
      readonly kind: 'program';
      readonly command: string;
      /** The folder of its shared libraries, where the system's do not do. */
      readonly libraries: string | undefined;
    }
  /** There is none, and why. */
  | { readonly kind: 'none'; readonly obstacle: string };

/** The compiled script lies one folder deeper than its source. */
const root = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../..' : '../../..', import.meta.url));
const cache = join(root, '.cache', 'services');
const unpacked = join(cache, 'redis');
const packages = ['redis-server', 'redis-tools', 'liblzf1', 'libjemalloc2'];

/** The socket of a Docker that runs accepts at once. */
const dockerConnectMs = 500;
/** 1.4 MB, after the lists of packages where they are missing. */
const fetchMs = 120_000;

/**
 * Containers where Docker runs; else the redis-server that is installed; else Debian's, unpacked into the cache of the
 * checkout (once) without installing it.
 */
export async function findRedis(): Promise<RedisSource> {
  if ((await dockerRuns()) && (await canUseContainers())) return { kind: 'container' };
  if (answersVersion('redis-server', undefined)) {
    return { kind: 'program', command: 'redis-server', libraries: undefined };
  }
  const obstacle = existsSync(unpacked) ? undefined : fetchPackages();
  if (obstacle !== undefined) return { kind: 'none', obstacle };
  return unpackedProgram();
}

async function dockerRuns(): Promise<boolean> {
  const { DOCKER_HOST: host } = process.env;
  if (host !== undefined && !host.startsWith('unix://')) return true;
  const socket = createConnection({ path: host?.slice('unix://'.length) ?? '/var/run/docker.sock' });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(dockerConnectMs) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Not on every version of Node that we support. */
async function canUseContainers(): Promise<boolean> {
  try {
    await import('testcontainers');
    return true;
  } catch {
    return false;
  }
}

function unpackedProgram(): RedisSource {
  const command = join(unpacked, 'usr', 'bin', 'redis-server');
  const lib = join(unpacked, 'usr', 'lib');
  const libraries = readdirSync(lib)
    .map((triplet) => join(lib, triplet))
    .find((folder) => existsSync(join(folder, 'liblzf.so.1')));
  if (answersVersion(command, libraries)) return { kind: 'program', command, libraries };
  return { kind: 'none', obstacle: "there is no Docker, no redis-server, and Debian's does not run here" };
}

/** Into a folder of its own first, so that nobody finds half of it. @returns why it could not be had. */
function fetchPackages(): string | undefined {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'fetching-redis-'));
  try {
    if (!download(folder)) return "there is no Docker, no redis-server, and Debian's packages cannot be had";
    const root = join(folder, 'root');
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
      if (!succeeds('dpkg', ['-x', join(folder, file), root], folder)) return `${file} cannot be unpacked`;
    }
    if (!existsSync(unpacked)) renameSync(root, unpacked);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The lists of packages may be missing, or name files that are gone. */
function download(folder: string): boolean {
  const fetches = () => succeeds('apt-get', ['download', ...packages], folder);
  return fetches() || (succeeds('apt-get', ['update'], folder) && fetches());
}

function succeeds(command: string, words: readonly string[], cwd: string): boolean {
  return spawnSync(command, words, { cwd, stdio: 'ignore', timeout: fetchMs }).status === 0;
}

function answersVersion(command: string, libraries: string | undefined): boolean {
  return spawnSync(command, ['--version'], { env: programEnvironment(libraries) }).status === 0;
}

export function programEnvironment(libraries: string | undefined): NodeJS.ProcessEnv {
  return libraries === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: libraries };
}
