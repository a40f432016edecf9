import { spawnSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { spread } from './histogram.ts';

/** What the figures of a run depend on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly os: string;
  readonly node: string;
  /** Median time to append 4 kB to a file and sync it, where the data folders are, in microseconds. */
  readonly fdatasyncUs: number;
  readonly placement: Placement | undefined;
}

/** The processors that servers and the load generator are pinned to. */
export interface Placement {
  readonly serverCore: number;
  readonly loadCore: number;
}

/** The source that was measured; undefined outside a git checkout. */
export interface Source {
  readonly commit: string;
  readonly isChanged: boolean;
}

const SYNCS = 100;
const SYNC_BYTES = 4_096;

/** @param dataDir a folder on the disk that durable rows write to. */
export function describeMachine(dataDir: string): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    os: `${type()} ${release()} ${arch()}`,
    node: process.version,
    fdatasyncUs: measureSync(join(dataDir, 'sync')),
    placement: placement(),
  };
}

export function describeSource(): Source | undefined {
  const commit = git('rev-parse', 'HEAD');
  const changes = git('status', '--porcelain', '--untracked-files=no');
  return commit === undefined || changes === undefined ? undefined : { commit, isChanged: changes !== '' };
}

/** The numbers in a processor list of Linux, for example `0-3,8`. */
export function parseCoreList(list: string): number[] {
  return list
    .split(',')
    .filter((range) => range.trim() !== '')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

/** Undefined where processes cannot be pinned: not Linux, no taskset, or one processor only. */
function placement(): Placement | undefined {
  if (spawnSync('taskset', ['--version']).error !== undefined) return undefined;
  const list = readProc('self', 'status').match(/^Cpus_allowed_list:\s*(\S+)$/m)?.[1];
  const [serverCore, loadCore] = parseCoreList(list ?? '');
  return serverCore === undefined || loadCore === undefined ? undefined : { serverCore, loadCore };
}

/** Where a process, with all its threads, may run from now on. */
export function place(pid: number, cores: readonly number[]): void {
  const list = cores.join(',');
  const { status, stderr } = spawnSync('taskset', ['-a', '-c', '-p', list, String(pid)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`cannot place process ${pid}: ${stderr}`);
}

/** Seconds of processor time that a process has used, all its threads together; undefined where Linux does not tell. */
export function cpuSeconds(pid: number): number | undefined {
  // The second field, the name in brackets, may hold spaces; user and system time are the 12th and 13th after it.
  const fields = readProc(String(pid), 'stat').split(') ').pop()?.split(' ') ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isNaN(ticks) ? undefined : ticks / TICKS_PER_SECOND;
}

/** The unit of /proc/PID/stat, which Linux fixes for programs on all common processors. */
const TICKS_PER_SECOND = 100;

function readProc(process: string, file: string): string {
  try {
    return readFileSync(`/proc/${process}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function measureSync(path: string): number {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(SYNC_BYTES, 1);
  const timesUs = Array.from({ length: SYNCS }, () => {
    const startMs = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    return (performance.now() - startMs) * 1000;
  });
  closeSync(file);
  unlinkSync(path);
  return Math.round(spread(timesUs).median);
}

function git(...args: string[]): string | undefined {
  const { error, status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return error === undefined && status === 0 ? stdout.trim() : undefined;
}
