import { basename } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { LogDamagedError, LogFormatError } from '../../engine/log/errors.ts';
import { encodeSegmentHeader, headerBytes, sealBatch } from '../../engine/log/header.ts';
import { BatchEncoder } from '../../engine/log/record.ts';
import { scanLog } from '../../engine/log/scan.ts';
import { appendKeys, keysOf, logDirectory, ManualTimers, openLog } from './log-harness.ts';
import { SimulatedDisk, seededRandom } from './simulated-files.ts';

const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
const segmentBytesMax = 500;

interface SmallLog {
  readonly files: ReadonlyMap<string, Buffer>;
  /** Where the last entry ends. */
  readonly lastEndLsn: number;
  readonly lastPath: string;
}

/** Three segments of two batches each, closed with a mark. */
async function smallLog(): Promise<SmallLog> {
  const disk = new SimulatedDisk(seededRandom(1));
  const { log } = await openLog(disk, { segmentBytesMax });
  let lastEndLsn = 0;
  for (const key of keys) lastEndLsn = (await appendKeys(log, [key])).endLsn;
  await log.close();
  const files = new Map(disk.paths().map((path) => [path, disk.contents(path) ?? Buffer.alloc(0)]));
  return { files, lastEndLsn, lastPath: [...files.keys()].sort().at(-1) ?? '' };
}

function diskWith(files: ReadonlyMap<string, Buffer>): SimulatedDisk {
  const disk = new SimulatedDisk(seededRandom(1));
  for (const [path, bytes] of files) disk.put(path, bytes);
  return disk;
}

/** The keys that opening the log replays, or the damage that it names. */
async function openDamaged(disk: SimulatedDisk, appliedTo = 0): Promise<string[] | LogDamagedError> {
  try {
    const { replayed } = await openLog(disk, { segmentBytesMax, appliedTo });
    return replayed.flatMap(({ entries }) => keysOf(entries));
  } catch (error) {
    if (error instanceof LogDamagedError) return error;
    throw error;
  }
}

function flipped(bytes: Buffer, offset: number, mask: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[offset] = (copy[offset] ?? 0) ^ mask;
  return copy;
}

/** Lets the idle time pass and waits for what it starts. */
async function settleMark(timers: ManualTimers, isDone: () => boolean): Promise<void> {
  timers.fire();
  await vi.waitFor(() => expect(isDone()).toBe(true), { interval: 1 });
}

describe('damage to a closed log', () => {
  test.each([0x01, 0x80, 0xff])('every byte flipped by %i is named, or was only the mark', async (mask) => {
    const { files, lastPath } = await smallLog();
    for (const [path, bytes] of files) {
      const markAt = path === lastPath ? bytes.length - headerBytes : bytes.length;
      for (let offset = 0; offset < bytes.length; offset++) {
        const found = await openDamaged(diskWith(new Map(files).set(path, flipped(bytes, offset, mask))));
        if (offset >= markAt) {
          expect(found).toEqual(keys);
        } else {
          expect(found).toBeInstanceOf(LogDamagedError);
          const { file, offset: at } = found as LogDamagedError;
          expect([file, at <= offset]).toEqual([path, true]);
        }
      }
    }
  });

  test('every cut of the last segment is named where state proves more, else keeps a prefix', async () => {
    const { files, lastPath, lastEndLsn } = await smallLog();
    const whole = files.get(lastPath) ?? Buffer.alloc(0);
    for (let length = 0; length < whole.length; length++) {
      const cut = new Map(files).set(lastPath, whole.subarray(0, length));
      const proven = await openDamaged(diskWith(cut), lastEndLsn);
      if (length >= whole.length - headerBytes) expect(proven).toEqual([]);
      else expect(proven).toBeInstanceOf(LogDamagedError);
      const unproven = await openDamaged(diskWith(cut));
      expect(unproven).toEqual(keys.slice(0, (unproven as string[]).length));
    }
  });

  test('every cut and every lengthening of an earlier segment is named', async () => {
    const { files, lastPath } = await smallLog();
    for (const [path, bytes] of files) {
      if (path === lastPath) continue;
      const changed = Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length));
      for (const other of [...changed, Buffer.concat([bytes, Buffer.alloc(1)])]) {
        expect(await openDamaged(diskWith(new Map(files).set(path, other)))).toBeInstanceOf(LogDamagedError);
      }
    }
  });

  test('a missing, swapped or foreign segment is named', async () => {
    const { files } = await smallLog();
    const foreign = await smallLog();
    const [first = '', second = '', third = ''] = [...files.keys()].sort();
    const open = (change: (disk: SimulatedDisk) => void, appliedTo = 0) => {
      const disk = diskWith(files);
      change(disk);
      return openDamaged(disk, appliedTo);
    };
    const bytesOf = (path: string, of = files) => of.get(path) ?? Buffer.alloc(0);
    const found = await Promise.all([
      open((disk) => disk.drop(first)),
      open((disk) => disk.drop(second)),
      open((disk) => {
        for (const path of files.keys()) disk.drop(path);
      }, 100),
      open((disk) => disk.put(second, bytesOf(third))),
      open((disk) => disk.put(second, bytesOf(second, foreign.files))),
      open((disk) => disk.put(third, bytesOf(third, foreign.files))),
    ]);
    expect(found.map((error) => error instanceof LogDamagedError && basename(error.file))).toEqual([
      basename(second),
      basename(first),
      basename(logDirectory),
      basename(second),
      basename(second),
      basename(third),
    ]);
  });

  test('a position of applied state that is no end of a batch is named', async () => {
    const { files, lastEndLsn } = await smallLog();
    const found = await openDamaged(diskWith(files), lastEndLsn - 1);
    expect(String(found)).toContain(`state is applied to ${lastEndLsn - 1}, the middle of a batch`);
  });

  test('scanning names the same damage, and reads on', async () => {
    const { files } = await smallLog();
    const [first = '', second = ''] = [...files.keys()].sort();
    const disk = diskWith(files);
    disk.damage(first, (bytes) => flipped(bytes, headerBytes + 70, 1));
    disk.damage(second, (bytes) => flipped(bytes, 20, 1));
    const { segments, problems } = await scanLog(disk, logDirectory);
    expect(problems.map(({ message }) => message)).toEqual([
      `${second}: damaged at offset 0: no valid segment header`,
      `${first}: damaged at offset ${headerBytes}: the checksum of the payload is wrong`,
    ]);
    expect(
      segments.map(({ batches, firstSequence, lastSequence }) => [batches, firstSequence, lastSequence]),
    ).toEqual([
      [0, undefined, undefined],
      [0, undefined, undefined],
      [3, 5, 6],
    ]);
  });
});

describe('what is no damage', () => {
  test('a torn batch at the end is cut, and the log goes on', async () => {
    const { files, lastPath } = await smallLog();
    const disk = diskWith(files);
    disk.damage(lastPath, (bytes) => Buffer.concat([bytes, Buffer.from('half a batch'), Buffer.alloc(900)]));
    expect(await scanLog(disk, logDirectory)).toMatchObject({ problems: [], unfinishedBytes: 912 });
    const { log, replayed } = await openLog(disk, { segmentBytesMax: 4096 });
    expect(replayed.flatMap(({ entries }) => keysOf(entries))).toEqual(keys);
    await appendKeys(log, ['g']);
    await log.close();
    expect(await openDamaged(disk)).toEqual([...keys, 'g']);
  });

  test('an item that holds the bytes of a batch header proves nothing', async () => {
    const disk = new SimulatedDisk(seededRandom(1));
    const { log } = await openLog(disk, { segmentBytesMax: 100_000 });
    await appendKeys(log, ['a']);
    const end = log.end;
    const encoder = new BatchEncoder();
    const forged = Buffer.concat(
      Array.from({ length: 50 }, (_, i) => {
        const frame = Buffer.alloc(headerBytes);
        const lsn = end + headerBytes + 38 + i * headerBytes;
        sealBatch(frame, {
          logId: 'guessed?',
          lsn,
          number: 9,
          durableLsn: lsn,
          previousChecksum: 0,
          entryCount: 1,
        });
        return frame;
      }),
    );
    encoder.add({
      firstSequence: log.nextSequence,
      timeMs: log.lastTimeMs,
      changes: [{ kind: 'item', table: 1, key: 'b', newImage: { json: forged, size: 1 } }],
    });
    await log.append(encoder);
    disk.damage(`${logDirectory}/0000000000000000.log`, (bytes) => flipped(bytes, end + headerBytes + 3, 1));
    expect(await openDamaged(disk)).toEqual(['a']);
  });

  test('the newest batch, before its mark: a torn write and damage look alike', async () => {
    const disk = new SimulatedDisk(seededRandom(1));
    const timers = new ManualTimers();
    const { log } = await openLog(disk, { setTimer: timers.set });
    const { endLsn } = await appendKeys(log, ['a']);
    const path = `${logDirectory}/0000000000000000.log`;
    const unmarked = diskWith(new Map([[path, disk.contents(path) ?? Buffer.alloc(0)]]));
    unmarked.damage(path, (bytes) => flipped(bytes, endLsn - 1, 1));
    expect(await openDamaged(unmarked)).toEqual([]);
    await settleMark(timers, () => log.end > endLsn);
    disk.damage(path, (bytes) => flipped(bytes, endLsn - 1, 1));
    expect(await openDamaged(disk)).toBeInstanceOf(LogDamagedError);
  });

  test('a relaxed log syncs before its mark, so the mark proves the batch before it', async () => {
    const disk = new SimulatedDisk(seededRandom(1));
    const timers = new ManualTimers();
    const { log } = await openLog(disk, { setTimer: timers.set, syncMode: 'relaxed' });
    const { endLsn } = await appendKeys(log, ['a']);
    expect(log.durable).toBeLessThan(endLsn);
    await settleMark(timers, () => log.durable > endLsn);
    disk.damage(`${logDirectory}/0000000000000000.log`, (bytes) => flipped(bytes, endLsn - 1, 1));
    expect(await openDamaged(disk)).toBeInstanceOf(LogDamagedError);
  });
});

describe('other formats', () => {
  const header = {
    version: 2,
    logId: '8 bytes.',
    startLsn: 0,
    chain: { batchNumber: 1, previousChecksum: 0, nextSequence: 0, lastTimeMs: 0 },
  };

  test('a version that is not known is refused by file and version', async () => {
    const path = `${logDirectory}/0000000000000000.log`;
    const disk = diskWith(new Map([[path, encodeSegmentHeader(header)]]));
    const refusal = `${path}: format version 2 of the log is unknown, this program reads version 1`;
    await expect(openDamaged(disk)).rejects.toThrow(new LogFormatError(refusal));
    expect((await scanLog(disk, logDirectory)).problems.map(({ message }) => message)).toEqual([refusal]);
  });

  test('a header that announces a huge batch allocates nothing', async () => {
    const huge = Buffer.alloc(headerBytes);
    const place = {
      lsn: headerBytes,
      number: 1,
      durableLsn: headerBytes,
      previousChecksum: 0,
      entryCount: 1,
    };
    sealBatch(huge, { logId: header.logId, ...place });
    huge.writeUInt32LE(0xffff_ffff, 40);
    huge.writeUInt32LE(crc32(huge.subarray(0, headerBytes - 4)), headerBytes - 4);
    const path = `${logDirectory}/0000000000000000.log`;
    const segment = Buffer.concat([encodeSegmentHeader({ ...header, version: 1 }), huge]);
    const disk = diskWith(new Map([[path, segment]]));
    const before = process.memoryUsage().arrayBuffers;
    expect(await openDamaged(disk)).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});
