import { appendFile, cp, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeFiles } from '../../engine/files.ts';
import type { LogEntry } from '../../engine/log/record.ts';
import { scanLog } from '../../engine/log/scan.ts';
import { appendKeys, keysOf, openLog } from './log-harness.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'log-files-'));
});

afterEach(() => rm(directory, { recursive: true }));

describe('a log in real files', () => {
  test.each(['group', 'relaxed'] as const)(
    'comes back after the process left it open (%s)',
    async (syncMode) => {
      const written = join(directory, 'deep', 'log');
      const left = join(directory, 'left');
      const options = { directory: written, segmentBytesMax: 20_000, syncMode };
      const { log } = await openLog(nodeFiles, options);
      const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`);
      for (const key of keys) await appendKeys(log, [key], 600);
      await cp(written, left, { recursive: true });
      await log.close();

      const reopened = await openLog(nodeFiles, { ...options, directory: left });
      expect(reopened.replayed.flatMap(({ entries }) => keysOf(entries))).toEqual(keys);
      await appendKeys(reopened.log, ['one more']);
      await reopened.log.removeBefore(reopened.log.end);
      await reopened.log.close();
      expect((await readdir(left)).length).toBe(1);
      expect((await scanLog(nodeFiles, left)).problems).toEqual([]);
      expect((await scanLog(nodeFiles, written)).problems).toEqual([]);
    },
  );

  test('a torn end is cut from the file', async () => {
    const { log } = await openLog(nodeFiles, { directory });
    await appendKeys(log, ['a']);
    await log.close();
    const [name = ''] = await readdir(directory);
    await appendFile(join(directory, name), 'half a batch');
    const reopened = await openLog(nodeFiles, { directory, zeroAheadBytes: 0 });
    expect((await stat(join(directory, name))).size).toBe(reopened.log.end);
    await reopened.log.close();
  });

  test('a file that exists is not made again', async () => {
    const path = join(directory, 'file');
    await (await nodeFiles.create(path, 'durable')).close();
    await expect(nodeFiles.create(path, 'durable')).rejects.toMatchObject({ code: 'EEXIST' });
  });
});

describe('format version 1', () => {
  const golden = fileURLToPath(new URL('../testdata/log-v1', import.meta.url));
  const item = (text: string) => ({ json: Buffer.from(text), size: text.length });
  const expected: LogEntry[] = [
    {
      firstSequence: 1,
      timeMs: 1_700_000_000_000,
      changes: [{ kind: 'catalog', json: '{"create":"Müsli"}' }],
    },
    {
      firstSequence: 2,
      timeMs: 1_700_000_000_001,
      token: 'token\u0000hash',
      changes: [
        { kind: 'item', table: 1, key: '\u0000\u0001a\u00ff\u0080', newImage: item('{"a":{"S":"new"}}') },
        { kind: 'item', table: 4_294_967_295, key: '', oldImage: item('{"a":{"S":"old"}}') },
      ],
    },
    { firstSequence: 9_007_199_254_740_000, timeMs: 1_700_000_000_001, changes: [] },
    {
      firstSequence: 9_007_199_254_740_000,
      timeMs: 1_700_000_000_002,
      changes: [
        {
          kind: 'item',
          table: 1,
          key: 'k',
          oldImage: item('{}'),
          newImage: item('{"b":{"N":"1"}}'),
          principal: 'ttl',
        },
        {
          kind: 'item',
          table: 1,
          key: 'k',
          replicatedFrom: 'eu-central-1',
          oldImage: item('{"b":{"N":"1"}}'),
        },
      ],
    },
  ];

  test('opens for ever', async () => {
    const copy = join(directory, 'log');
    await cp(golden, copy, { recursive: true });
    const { log, replayed } = await openLog(nodeFiles, { directory: copy });
    expect(replayed.flatMap(({ entries }) => entries)).toEqual(expected);
    await log.close();
    expect((await scanLog(nodeFiles, golden)).problems).toEqual([]);
  });
});
