import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/**
 * Keeps two processes from opening one data folder: a file that names its owner, for as long as the owner lives.
 *
 * Invariants
 *  1. The file is only ever created whole, by linking a finished one, and linking fails if it is there.
 *  2. A lock of this machine is stale when its process is gone (or its pid belongs to a process that started at another
 *     time); that of another machine, when nobody has touched it for `staleMs`.
 *  3. A stale lock is moved away before it is replaced; who moved away another lock than the stale one puts it back.
 *
 * Node.js has no flock; a socket would bind only processes of one network namespace.
 */
export class DataLock {
  readonly #path: string;
  readonly #text: string;
  readonly #heartbeat: NodeJS.Timeout;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
    this.#heartbeat = setInterval(() => touch(path), heartbeatMs);
    this.#heartbeat.unref();
  }

  /** @throws DataDirectoryInUseError */
  static acquire(directory: string): DataLock {
    const path = join(directory, 'lock');
    const text = JSON.stringify(thisProcess());
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (createWhole(path, text)) return new DataLock(path, text);
      const found = readText(path);
      if (found === undefined) continue;
      const owner = parseOwner(found);
      if (owner !== undefined && isAlive(owner, path)) throw new DataDirectoryInUseError(directory, owner);
      moveAway(path, found);
    }
    throw new DataDirectoryInUseError(directory, undefined);
  }

  release(): void {
    clearInterval(this.#heartbeat);
    if (readText(this.#path) === this.#text) rmSync(this.#path, { force: true });
  }
}

/** Another process has the folder open. */
export class DataDirectoryInUseError extends Error {
  override readonly name = 'DataDirectoryInUseError';
  readonly code = 'DATA_DIRECTORY_IN_USE';

  constructor(directory: string, owner: Owner | undefined) {
    const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
    super(`The data folder ${directory} is in use by ${who}. Stop it, or choose another folder with --data.`);
  }
}

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process started, in the kernel's own units; empty where the system does not tell. */
  readonly started: string;
}

const attemptsMax = 10;
const heartbeatMs = 2000;
const staleMs = 15_000;

function thisProcess(): Owner {
  return { pid: process.pid, host: hostname(), started: startOf(process.pid) };
}

function createWhole(path: string, text: string): boolean {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, text);
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function moveAway(path: string, stale: string): void {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
    if (readText(aside) !== stale) linkSync(aside, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  }
  rmSync(aside, { force: true });
}

function isAlive(owner: Owner, path: string): boolean {
  if (owner.host !== hostname()) return Date.now() - modifiedMs(path) < staleMs;
  if (owner.pid === process.pid) return owner.started === startOf(process.pid);
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return owner.started === startOf(owner.pid);
}

/** Field 22 of /proc/PID/stat; the command's name before it may hold spaces, in parentheses. */
function startOf(pid: number): string {
  const text = readText(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function parseOwner(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner>;
    const { pid, host, started } = owner;
    return typeof pid === 'number' && typeof host === 'string' && typeof started === 'string'
      ? { pid, host, started }
      : undefined;
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The folder may have been taken away from under the process; that is found out elsewhere. */
function touch(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {}
}
