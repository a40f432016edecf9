import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { catalogRecord } from '../../../engine/catalog.ts';
import { nodeFiles } from '../../../engine/files.ts';
import { ArchiveReader } from '../../../engine/history/archive-reader.ts';
import { type SealedSegment, splitSegment } from '../../../engine/history/segment-split.ts';
import { BatchEncoder, type Change } from '../../../engine/log/record.ts';
import type { Log } from '../../../engine/log/segments.ts';
import type { TableDefinition } from '../../../engine/table-definition.ts';
import { openLog } from '../log-harness.ts';

let directory: string;
let log: Log;
let segment: SealedSegment;
let logId: string;

/** Five changes of each of the tables 1 to 9, taking turns: change `n` is of table `n % 9 + 1`, but for those of the catalog. */
const count = 45;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-split-'));
  ({ log } = await openLog(nodeFiles, { directory: join(directory, 'log'), segmentBytesMax: 64 * 1024 }));
  for (let i = 0; i < count; i++) {
    const encoder = new BatchEncoder();
    encoder.add({ firstSequence: i, timeMs: 1000 + i, changes: [change(i)] });
    await log.append(encoder);
  }
  const part = log.part(0, log.end);
  const [only] = part.segments;
  if (only === undefined) throw new Error('no segment');
  segment = only;
  logId = part.logId;
});

afterEach(async () => {
  await log.close();
  rmSync(directory, { recursive: true, force: true });
});

function tableOf(i: number): number {
  return (i % 9) + 1;
}

/** Every tenth one changes the definition of the table. */
function change(i: number): Change {
  const table = tableOf(i);
  if (i % 10 === 9) return catalogRecord({ put: { number: table } as TableDefinition });
  return { kind: 'item', table, key: `key ${i}`, newImage: { json: Buffer.from(`{"i":${i}}`), size: 3 } };
}

function history(): string {
  return join(directory, 'history');
}

async function split(writersMax: number, signal = new AbortController().signal) {
  const windows = Array.from({ length: 9 }, (_, i) => ({
    sequence: 10 + i,
    table: i + 1,
    previousSequence: i,
  }));
  return splitSegment(segment, windows, { history: history(), logId, signal, writersMax });
}

/** The numbers of the changes in a file. */
async function changesIn(path: string): Promise<number[]> {
  const reader = await ArchiveReader.open(path);
  const found: number[] = [];
  for await (const changes of reader.changes()) {
    for (const { sequence, change: had, timeMs } of changes) {
      expect(timeMs).toBe(1000 + sequence);
      expect(had).toEqual(change(sequence));
      found.push(sequence);
    }
  }
  await reader.close();
  return found;
}

describe('a segment that is taken apart', () => {
  test.each([1, 4, 32])(
    'gives each window its own changes since its beginning, %d files at a time',
    async (max) => {
      await nodeFiles.makeDirectory(history());
      const files = await split(max);
      expect(files.map(({ window }) => window).sort()).toEqual(Array.from({ length: 9 }, (_, i) => 10 + i));
      for (const { window, file } of files) {
        const wanted = Array.from({ length: count }, (_, i) => i).filter(
          (i) => i >= window && tableOf(i) === window - 9,
        );
        expect(await changesIn(file.path)).toEqual(wanted);
        expect(file).toMatchObject({
          startLsn: 0,
          first: { sequence: wanted[0], timeMs: 1000 + (wanted[0] ?? 0) },
          last: { sequence: wanted.at(-1), timeMs: 1000 + (wanted.at(-1) ?? 0) },
          previousSequence: window - 10,
        });
      }
    },
  );

  test('gives the same files when it is taken apart again', async () => {
    await nodeFiles.makeDirectory(history());
    const first = await split(4);
    expect(await split(32)).toEqual(expect.arrayContaining(first));
  });

  test('leaves nothing half-made when it is stopped', async () => {
    await nodeFiles.makeDirectory(history());
    const reason = new Error('stop');
    await expect(split(4, AbortSignal.abort(reason))).rejects.toBe(reason);
    for (const name of readdirSync(history())) expect(readdirSync(join(history(), name))).toEqual([]);
  });

  test('gives a window without changes no file', async () => {
    await nodeFiles.makeDirectory(history());
    const windows = [{ sequence: 99, table: 3, previousSequence: 0 }];
    const options = { history: history(), logId, signal: new AbortController().signal };
    expect(await splitSegment(segment, windows, options)).toEqual([]);
    expect(existsSync(join(history(), '99'))).toBe(false);
  });
});
