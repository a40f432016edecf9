import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DataLock } from '../../engine/data-lock.ts';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-lock-'));
  path = join(directory, 'lock');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** The lock that some other process would have left. */
function leave(owner: object): void {
  writeFileSync(path, JSON.stringify(owner));
}

async function pidOfEndedProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid as number;
}

describe('the lock of a data folder', () => {
  test('is held until it is released', () => {
    const lock = DataLock.acquire(directory);
    expect(() => DataLock.acquire(directory)).toThrow(/in use by process/);
    lock.release();
    expect(existsSync(path)).toBe(false);
    DataLock.acquire(directory).release();
  });

  test('of a process that has ended is taken over', async () => {
    leave({ pid: await pidOfEndedProcess(), host: hostname(), started: '1' });
    DataLock.acquire(directory).release();
  });

  test('of a pid that another process has got meanwhile is taken over', () => {
    leave({ pid: process.ppid, host: hostname(), started: 'at another time' });
    DataLock.acquire(directory).release();
  });

  test('of another machine holds as long as that touches it', () => {
    leave({ pid: 1, host: `not-${hostname()}`, started: '1' });
    expect(() => DataLock.acquire(directory)).toThrow(/process 1 on not-/);
    utimesSync(path, new Date(0), new Date(0));
    DataLock.acquire(directory).release();
  });

  test('that nobody can read is taken over', () => {
    writeFileSync(path, 'not JSON');
    DataLock.acquire(directory).release();
  });

  test('is not released by whoever has lost it', () => {
    const lost = DataLock.acquire(directory);
    leave({ pid: 1, host: 'another', started: '1' });
    lost.release();
    expect(readFileSync(path, 'utf8')).toContain('another');
  });
});
