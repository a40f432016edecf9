import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { type Files, nodeFiles, type WritableFile } from '../../engine/files.ts';
import { Store } from '../../engine/state/store.ts';
import { TestEngine } from './engine-harness.ts';

/* The disk refuses in the middle of work: the log's writes, or LMDB's commits. */

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-failing-'));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true, force: true });
});

function item(p: string, bytes = 10) {
  return { TableName: 'Things', Item: { p: { S: p }, pad: { S: 'x'.repeat(bytes) } } };
}

function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'acknowledged',
    (error: { code: string }) => error.code,
  );
}

describe('when a write of the log fails', () => {
  let failing = false;
  let fatal: Error[];
  let engine: TestEngine;

  beforeEach(async () => {
    failing = false;
    fatal = [];
    engine = await TestEngine.open({
      dataDirectory: directory,
      logPlace: { files: failingFiles(() => failing), directory: join(directory, 'log') },
      overlayBytesMax: 3000,
      onFatal: (error) => fatal.push(error),
    });
    await engine.createTable('Things');
    failing = true;
  });

  test('nothing is acknowledged any more, not even what waited and would have changed nothing', async () => {
    const put = codeOf(engine.call('PutItem', item('a', 4000)));
    const remove = codeOf(engine.call('DeleteItem', { TableName: 'Things', Key: { p: { S: 'a' } } }));
    expect(await put).toBe('InternalServerError');
    expect(['InternalServerError', 'ServiceUnavailable']).toContain(await remove);
    expect(await codeOf(engine.call('PutItem', item('b')))).toBe('ServiceUnavailable');
    expect(fatal).toHaveLength(1);
    await engine.engine.close().catch(() => {});
  });

  test('closing lets go of the folder all the same', async () => {
    await codeOf(engine.call('PutItem', item('a')));
    await engine.engine.close().catch(() => {});
    const next = await TestEngine.open({ dataDirectory: directory });
    await next.engine.close();
  });
});

describe('when LMDB cannot commit', () => {
  test('closing does not wait for room that never comes, and nothing acknowledged is lost', async () => {
    const engine = await TestEngine.open({ dataDirectory: directory, overlayBytesMax: 8000 });
    await engine.createTable('Things');
    const apply = vi.spyOn(Store.prototype, 'apply').mockRejectedValue(new Error('no room'));
    const puts = Array.from({ length: 8 }, (_, n) => codeOf(engine.call('PutItem', item(`k${n}`, 3000))));
    await expect(engine.engine.close()).rejects.toThrow('no room');
    const outcomes = await Promise.all(puts);
    apply.mockRestore();
    const next = await TestEngine.open({ dataDirectory: directory });
    for (const [n, outcome] of outcomes.entries()) {
      const found = await next.call('GetItem', { TableName: 'Things', Key: { p: { S: `k${n}` } } });
      expect('Item' in found, `k${n}, ${outcome}`).toBe(outcome === 'acknowledged');
    }
    expect(new Set(outcomes)).toEqual(new Set(['acknowledged', 'ServiceUnavailable']));
    await next.engine.close();
  });
});

test('a changed byte in what LMDB knows of a table stops the start and is named by the check', async () => {
  const engine = await TestEngine.open({ dataDirectory: directory });
  await engine.createTable('Orders');
  await engine.engine.close();
  const path = join(directory, 'state', 'data.mdb');
  const bytes = readFileSync(path);
  let places = 0;
  for (let at = bytes.indexOf('"Orders"'); at >= 0; at = bytes.indexOf('"Orders"', at + 1), places++)
    bytes.write('P', at + 1);
  expect(places).toBeGreaterThan(0);
  writeFileSync(path, bytes);
  await expect(TestEngine.open({ dataDirectory: directory })).rejects.toThrow(
    /damaged data: the row table:1 /,
  );
  expect((await checkDataDirectory(directory)).problems).toEqual([
    expect.stringContaining('the row table:1 '),
  ]);
});

test('calls after close are refused', async () => {
  const engine = await TestEngine.open({ dataDirectory: directory });
  await engine.createTable('Things');
  await engine.engine.close();
  expect(await codeOf(engine.call('GetItem', { TableName: 'Things', Key: { p: { S: 'a' } } }))).toBe(
    'ServiceUnavailable',
  );
});

/** The operating system's files, whose writes reach the disk and are reported as failed. */
function failingFiles(isFailing: () => boolean): Files {
  const failing = (file: WritableFile): WritableFile => ({
    read: (target, position) => file.read(target, position),
    size: () => file.size(),
    write: async (bytes, position) => {
      const written = await file.write(bytes, position);
      if (isFailing()) throw Object.assign(new Error('input/output error'), { code: 'EIO' });
      return written;
    },
    sync: () => file.sync(),
    truncate: (bytes) => file.truncate(bytes),
    close: () => file.close(),
  });
  return {
    ...nodeFiles,
    makeDirectory: (path) => nodeFiles.makeDirectory(path),
    create: async (path, mode) => failing(await nodeFiles.create(path, mode)),
    open: async (path, mode) => failing(await nodeFiles.open(path, mode)),
  };
}
