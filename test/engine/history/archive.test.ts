import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Files, nodeFiles, type WritableFile } from '../../../engine/files.ts';
import { ArchiveDamagedError, ArchiveFormatError } from '../../../engine/history/archive-format.ts';
import { ArchiveReader } from '../../../engine/history/archive-reader.ts';
import { ArchiveWriter } from '../../../engine/history/archive-writer.ts';
import type { ArchivedChange } from '../../../engine/history/block.ts';
import type { LoadedRow } from '../../../engine/history/load-plan.ts';
import { SimulatedDisk, seededRandom } from '../simulated-files.ts';
import {
  changed,
  changesOf,
  definition,
  image,
  itemsOf,
  shownChanges,
  shownItems,
  snapshotOf,
  temporaryFolder,
  writeArchive,
} from './archive-harness.ts';

const binaryKey = fc
  .uint8Array({ minLength: 1, maxLength: 60 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const json = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ maxLength: 3000 }));
const someItems = fc.array(fc.tuple(binaryKey, json, fc.integer({ min: 0, max: 400_000 })), {
  maxLength: 60,
});
const someChanges = fc.array(
  fc.record({
    gap: fc.integer({ min: 1, max: 3 }),
    laterMs: fc.integer({ min: 0, max: 2 }),
    key: binaryKey,
    before: fc.option(json, { nil: undefined }),
    after: fc.option(json, { nil: undefined }),
  }),
  { maxLength: 60 },
);

describe('an archive', () => {
  test('gives back the rows that it was given', async () => {
    const directory = temporaryFolder();
    await fc.assert(
      fc.asyncProperty(someItems, someChanges, async (items, drawn) => {
        const path = join(directory, 'a.archive');
        const rows = items.map(([key, text, size]) => ({ key, image: image(text, size) }));
        const changes = asChanges(drawn);
        const contents = snapshotOf({ itemCount: rows.length, through: { sequence: 9, timeMs: 8 } });
        const fileBytes = await writeArchive(path, { items: rows, changes, contents });
        const reader = await ArchiveReader.open(path);
        expect(await itemsOf(reader)).toEqual(rows);
        expect(await changesOf(reader)).toEqual(changes);
        expect([reader.itemRows, reader.changeRows]).toEqual([rows.length, changes.length]);
        expect([reader.firstChange, reader.lastChange]).toEqual([changes[0], changes.at(-1)].map(momentOf));
        expect(reader.contents).toEqual(contents);
        const { through, itemCount, sizeBytes, table } = contents;
        expect(reader.summary).toEqual({ through, itemCount, sizeBytes, table, fileBytes });
        expect(readFileSync(path)).toHaveLength(fileBytes);
        await reader.verify();
        await reader.close();
      }),
      { numRuns: 50 },
    );
  });

  test('of many blocks gives back its rows, and any range of its changes', async () => {
    const path = join(temporaryFolder(), 'a.archive');
    const items = Array.from({ length: 3000 }, (_, i) => ({
      key: String(i).padStart(6, '0'),
      image: image(noise(i, i % 400 === 0 ? 600_000 : 500)),
    }));
    const changes = Array.from({ length: 3000 }, (_, i) => ({
      sequence: 2 * i + 10,
      timeMs: 1000 + Math.floor(i / 4),
      change: changed(`k${i}`, undefined, noise(i, 600)),
    }));
    await writeArchive(path, { items, changes });
    const reader = await ArchiveReader.open(path);
    expect(shownItems(await itemsOf(reader))).toEqual(shownItems(items));
    expect(shownChanges(await changesOf(reader))).toEqual(shownChanges(changes));
    for (const [from, to] of [
      [0, 10],
      [11, 12],
      [2000, 5000],
      [5999, 6010],
      [0, 9],
    ] as const) {
      const range = { fromSequence: from, through: { sequence: to } };
      const within = changes.filter(({ sequence }) => sequence >= from && sequence <= to);
      expect(shownChanges(await changesOf(reader, range))).toEqual(shownChanges(within));
      const reversed = await changesOf(reader, { ...range, reverse: true });
      expect(shownChanges(reversed)).toEqual(shownChanges(within).reverse());
    }
    for (const timeMs of [999, 1000, 1400, 1749, 2000]) {
      const parted = [true, false].map((early) =>
        shownChanges(changes.filter((change) => change.timeMs <= timeMs === early)),
      );
      expect(shownChanges(await changesOf(reader, { through: { timeMs } }))).toEqual(parted[0]);
      expect(shownChanges(await changesOf(reader, { behind: { timeMs } }))).toEqual(parted[1]);
    }
    await reader.close();
  });

  test('of changes only is no snapshot', async () => {
    const path = join(temporaryFolder(), 'a.archive');
    const contents = { kind: 'changes', table: 7, fromLsn: 64, toLsn: 4096 } as const;
    const catalog = { kind: 'catalog', json: JSON.stringify({ put: definition() }) } as const;
    const changes = [{ sequence: 1, timeMs: 1, change: catalog }];
    await writeArchive(path, { changes, contents });
    const reader = await ArchiveReader.open(path);
    expect(await changesOf(reader)).toEqual(changes);
    expect(reader.contents).toEqual(contents);
    expect(() => reader.summary).toThrow(ArchiveFormatError);
    await reader.close();
  });

  test('keeps an item that is larger than a block by itself', async () => {
    const path = join(temporaryFolder(), 'a.archive');
    const items = [1, 3_000_000, 2].map((bytes, i) => ({ key: `${i}`, image: image('x'.repeat(bytes)) }));
    await writeArchive(path, { items });
    const reader = await ArchiveReader.open(path);
    expect(shownItems(await itemsOf(reader))).toEqual(shownItems(items));
    await reader.close();
  });

  test('of a later format is refused, and not called damaged', async () => {
    const path = join(temporaryFolder(), 'a.archive');
    await writeArchive(path, {});
    const bytes = readFileSync(path);
    bytes.writeUInt32LE(2, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
    writeFileSync(path, bytes);
    await expect(ArchiveReader.open(path)).rejects.toThrow(ArchiveFormatError);
  });
});

describe('damage of an archive', () => {
  test('is found wherever a byte is flipped, cut out, or put in, and where the file ends early', async () => {
    const [bytes, damagedPath] = await smallArchive();
    for (let i = 0; i < bytes.length; i++) {
      const flipped = Buffer.from(bytes);
      flipped[i] = (flipped[i] ?? 0) ^ (1 << (i % 8));
      const before = bytes.subarray(0, i);
      const variants = {
        flipped,
        cut: Buffer.concat([before, bytes.subarray(i + 1)]),
        added: Buffer.concat([before, Buffer.of(i % 256), bytes.subarray(i)]),
        short: before,
      };
      for (const [name, variant] of Object.entries(variants)) {
        if (variant.equals(bytes)) continue;
        expect(
          await damageIn(damagedPath, holding(variant)),
          `${name} at ${i} of ${bytes.length}`,
        ).toBeInstanceOf(ArchiveDamagedError);
      }
    }
  });

  test('is found where bytes follow the end', async () => {
    const [bytes, damagedPath] = await smallArchive();
    writeFileSync(damagedPath, Buffer.concat([bytes, Buffer.alloc(1)]));
    expect(await damageIn(damagedPath)).toBeInstanceOf(ArchiveDamagedError);
  });

  test('names the file and where in it', async () => {
    const [bytes, damagedPath] = await smallArchive();
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    writeFileSync(damagedPath, bytes);
    expect(await damageIn(damagedPath)).toMatchObject({
      file: damagedPath,
      offset: 16,
      message: `${damagedPath}: damaged at offset 16: the checksum of the block is wrong`,
    });
  });

  test('never reaches who reads rows', async () => {
    const [bytes, damagedPath] = await smallArchive();
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    writeFileSync(damagedPath, bytes);
    const reader = await ArchiveReader.open(damagedPath);
    await expect(itemsOf(reader)).rejects.toThrow(ArchiveDamagedError);
    expect(await changesOf(reader)).toHaveLength(2);
    await reader.close();
  });
});

describe('writing an archive', () => {
  test('shows nothing under its name before it is whole, and nothing at all when abandoned', async () => {
    const directory = temporaryFolder();
    const path = join(directory, 'a.archive');
    const writer = await ArchiveWriter.create(path);
    writer.addItem('k', 1, Buffer.from('{}'));
    expect(readdirSync(directory)).toEqual(['a.archive.partial']);
    await writer.abandon();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('begins anew where a killed process has left a part', async () => {
    const path = join(temporaryFolder(), 'a.archive');
    writeFileSync(`${path}.partial`, 'half of an archive');
    await writeArchive(path, {});
    expect(existsSync(`${path}.partial`)).toBe(false);
    const reader = await ArchiveReader.open(path);
    await reader.close();
  });

  test('fails where the disk is full', async () => {
    const path = join(temporaryFolder(), 'a.archive');
    const full = (file: WritableFile): WritableFile => ({
      ...bound(file),
      write: async (bytes, position) => (position > 0 ? 1 : file.write(bytes, position)),
    });
    const files = {
      ...nodeFiles,
      create: async (...of: Parameters<typeof nodeFiles.create>) => full(await nodeFiles.create(...of)),
    };
    const writer = await ArchiveWriter.create(path, files);
    writer.addItem('k', 1, Buffer.from('{}'));
    await expect(writer.finish(snapshotOf())).rejects.toMatchObject({ code: 'ENOSPC' });
    await writer.abandon();
    expect(existsSync(path)).toBe(false);
  });

  test('lasts, whenever the power goes, whole or not at all', async () => {
    for (let stopAt = 1; stopAt < 40; stopAt++) {
      for (let seed = 1; seed <= 5; seed++) {
        const disk = new SimulatedDisk(seededRandom(seed * 1000 + stopAt), { stopAt });
        const items: LoadedRow[] = [{ key: 'k', image: image('{"p":{"S":"k"}}') }];
        const written = await Promise.race([
          writeArchive('/backups/a.archive', { items, files: disk }).then(() => true),
          disk.stopped.then(() => false),
        ]);
        const after = disk.afterPowerLoss();
        if (!written && !after.paths().includes('/backups/a.archive')) continue;
        const reader = await ArchiveReader.open('/backups/a.archive', after);
        expect(await itemsOf(reader)).toEqual(items);
      }
    }
  });
});

type DrawnChange = {
  readonly gap: number;
  readonly laterMs: number;
  readonly key: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
};

function asChanges(drawn: readonly DrawnChange[]): ArchivedChange[] {
  let [sequence, timeMs] = [1, 1_700_000_000_000];
  return drawn.map(({ gap, laterMs, key, before, after }) => {
    sequence += gap;
    timeMs += laterMs;
    return { sequence, timeMs, change: changed(key, before, after) };
  });
}

function momentOf(change: ArchivedChange | undefined): object | undefined {
  return change && { sequence: change.sequence, timeMs: change.timeMs };
}

/** Its bytes, and where to put them when they are damaged. */
async function smallArchive(): Promise<[Buffer, string]> {
  const path = join(temporaryFolder(), 'small.archive');
  const items = ['a', 'b'].map((key) => ({ key, image: image(`{"p":{"S":"${key}"}}`) }));
  const changes = [
    { sequence: 5, timeMs: 50, change: changed('a', 'old', 'new') },
    { sequence: 6, timeMs: 51, change: changed('b', 'old', undefined) },
  ];
  await writeArchive(path, { items, changes });
  return [readFileSync(path), path];
}

async function damageIn(path: string, files = nodeFiles): Promise<unknown> {
  try {
    const reader = await ArchiveReader.open(path, files);
    try {
      await reader.verify();
      return undefined;
    } finally {
      await reader.close();
    }
  } catch (error) {
    return error;
  }
}

/** Files of these bytes, whatever their names. */
function holding(bytes: Buffer): Files {
  const file = {
    read: async (target: Buffer, position: number) => bytes.copy(target, 0, position),
    size: async () => bytes.length,
    close: async () => {},
  };
  return { ...nodeFiles, openForRead: async () => file };
}

/** Bytes that compress little, the same for the same seed. */
function noise(seed: number, bytes: number): string {
  const random = seededRandom(seed);
  return Array.from({ length: bytes }, () => String.fromCharCode(32 + Math.floor(random() * 94))).join('');
}

function bound(file: WritableFile): WritableFile {
  return {
    read: (target, position) => file.read(target, position),
    size: () => file.size(),
    write: (bytes, position) => file.write(bytes, position),
    sync: () => file.sync(),
    truncate: (bytes) => file.truncate(bytes),
    close: () => file.close(),
  };
}
