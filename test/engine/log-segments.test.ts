import { describe, expect, test, vi } from 'vitest';
import { LogFullError, LogUnusableError } from '../../engine/log/errors.ts';
import { headerBytes } from '../../engine/log/header.ts';
import { BatchEncoder } from '../../engine/log/record.ts';
import { scanLog } from '../../engine/log/scan.ts';
import { appendKeys, itemChange, keysOf, logDirectory, ManualTimers, openLog } from './log-harness.ts';
import { type Faults, SimulatedDisk, seededRandom } from './simulated-files.ts';

function newDisk(faults: Faults = {}): SimulatedDisk {
  return new SimulatedDisk(seededRandom(1), faults);
}

async function keysIn(disk: SimulatedDisk, appliedTo = 0): Promise<string[]> {
  const { log, replayed } = await openLog(disk, { appliedTo });
  await log.close();
  return replayed.flatMap(({ entries }) => keysOf(entries));
}

test('the idle timer leaves no mark while an append is in flight, however often it fires', async () => {
  const disk = newDisk();
  const timers = new ManualTimers();
  const { log } = await openLog(disk, { setTimer: timers.set });
  await appendKeys(log, ['a']);
  const slow = appendKeys(log, ['b']);
  for (let i = 0; i < 3; i++) timers.fire();
  await slow;
  await appendKeys(log, ['c']);
  await log.close();
  expect(await keysIn(disk)).toEqual(['a', 'b', 'c']);
});

describe('positions', () => {
  test('a new log ends behind its header', async () => {
    const { log, replayed } = await openLog(newDisk());
    expect([log.end, log.durable, log.nextSequence, log.lastTimeMs]).toEqual([
      headerBytes,
      headerBytes,
      0,
      0,
    ]);
    expect(replayed).toEqual([]);
  });

  test('they go on over restarts, and replay begins where it is told', async () => {
    const disk = newDisk();
    const first = await openLog(disk);
    const { endLsn } = await appendKeys(first.log, ['a', 'b']);
    const second = await appendKeys(first.log, ['c']);
    await first.log.close();
    const { log, replayed } = await openLog(disk, { appliedTo: endLsn });
    expect(replayed.map(({ entries, endLsn }) => [keysOf(entries), endLsn])).toEqual([
      [['c'], second.endLsn],
    ]);
    expect([log.end, log.nextSequence, log.lastTimeMs]).toEqual([first.log.end, 4, 2]);
    await log.close();
    expect(await keysIn(disk, second.endLsn)).toEqual([]);
    expect(await keysIn(disk, first.log.end)).toEqual([]);
  });

  test('sequence numbers and times that run backwards are refused, and nothing is written', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    const { endLsn } = await appendKeys(log, ['a']);
    for (const [firstSequence, timeMs] of [
      [1, 1],
      [2, 0],
    ] as const) {
      const encoder = new BatchEncoder();
      encoder.add({ firstSequence, timeMs, changes: [itemChange('b', 1)] });
      await expect(log.append(encoder)).rejects.toThrow(RangeError);
    }
    await expect(log.append(new BatchEncoder())).rejects.toThrow('a batch without entries');
    expect(log.end).toBe(endLsn);
    await appendKeys(log, ['c']);
    await log.close();
    expect(await keysIn(disk)).toEqual(['a', 'c']);
  });

  test('a second append while one is in flight is refused, the encoder can be filled meanwhile', async () => {
    const { log } = await openLog(newDisk());
    const encoder = new BatchEncoder();
    encoder.add({ firstSequence: 1, timeMs: 1, changes: [itemChange('a', 1)] });
    const appending = log.append(encoder);
    encoder.add({ firstSequence: 2, timeMs: 1, changes: [itemChange('b', 1)] });
    await expect(log.append(encoder)).rejects.toThrow('an append is in flight already');
    await appending;
    await log.append(encoder);
    expect(log.nextSequence).toBe(3);
  });
});

describe('segments', () => {
  test('roll before they outgrow their size, and take a batch that is larger than it', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk, { segmentBytesMax: 2000 });
    for (const [key, bytes] of Object.entries({ a: 600, b: 600, c: 600, d: 9000, e: 10 })) {
      await appendKeys(log, [key], bytes);
    }
    await log.close();
    const { segments, problems } = await scanLog(disk, logDirectory);
    expect(problems).toEqual([]);
    expect(segments.map(({ firstSequence, lastSequence }) => [firstSequence, lastSequence])).toEqual([
      [1, 2],
      [3, 3],
      [4, 4],
      [5, 5],
    ]);
    expect(segments.map(({ bytes }) => bytes <= 2000)).toEqual([true, true, false, true]);
    expect(await keysIn(disk)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('only whole ones below a position are removed', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk, { segmentBytesMax: 1000 });
    const ends: number[] = [];
    for (const key of 'abcdefgh') ends.push((await appendKeys(log, [key], 300)).endLsn);
    const count = () => disk.paths().length;
    const all = count();
    await log.removeBefore((ends[1] ?? 0) - 1);
    expect(count()).toBe(all);
    await log.removeBefore(ends[1] ?? 0);
    expect(count()).toBe(all - 1);
    await log.removeBefore(Number.MAX_SAFE_INTEGER);
    expect(count()).toBe(1);
    await log.close();
    expect(await keysIn(disk, ends[7])).toEqual([]);
    await expect(openLog(disk, { appliedTo: 0 })).rejects.toThrow('the log begins here');
  });

  test('files that are none are left alone', async () => {
    const disk = newDisk();
    disk.put(`${logDirectory}/notes.log`, Buffer.from('x'));
    const { log } = await openLog(disk);
    await appendKeys(log, ['a']);
    await log.close();
    expect(await keysIn(disk)).toEqual(['a']);
  });
});

describe('a full disk', () => {
  test('refuses the batch without a trace, and the log goes on', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    const { endLsn } = await appendKeys(log, ['a']);
    disk.faults = { fullShare: 1 };
    for (let i = 0; i < 5; i++) await expect(appendKeys(log, ['lost'])).rejects.toBeInstanceOf(LogFullError);
    expect([log.end, log.durable]).toEqual([endLsn, endLsn]);
    expect(disk.contents(`${logDirectory}/0000000000000000.log`)?.length).toBe(endLsn);
    disk.faults = {};
    await appendKeys(log, ['b']);
    await log.close();
    expect(await keysIn(disk)).toEqual(['a', 'b']);
  });

  test('refuses a batch that would need a new segment, until there is room', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk, { segmentBytesMax: 500 });
    await appendKeys(log, ['a'], 300);
    disk.faults = { fullShare: 1 };
    for (let i = 0; i < 5; i++)
      await expect(appendKeys(log, ['lost'], 300)).rejects.toBeInstanceOf(LogFullError);
    expect(disk.paths().length).toBe(1);
    disk.faults = {};
    await appendKeys(log, ['b'], 300);
    expect(disk.paths().length).toBe(2);
    await log.close();
    expect(await keysIn(disk)).toEqual(['a', 'b']);
  });

  test('has no room for a new log', async () => {
    const disk = newDisk({ fullShare: 1 });
    await expect(openLog(disk)).rejects.toBeInstanceOf(LogFullError);
    disk.faults = {};
    expect(await keysIn(disk)).toEqual([]);
  });

  test('leaves an idle log unmarked until there is room', async () => {
    const disk = newDisk();
    const timers = new ManualTimers();
    const { log } = await openLog(disk, { setTimer: timers.set });
    const { endLsn } = await appendKeys(log, ['a']);
    disk.faults = { fullShare: 1 };
    timers.fire();
    await vi.waitFor(() => expect(timers.count).toBe(1), { interval: 1 });
    expect(log.end).toBe(endLsn);
    disk.faults = {};
    timers.fire();
    await vi.waitFor(() => expect(log.end).toBe(endLsn + headerBytes), { interval: 1 });
  });
});

describe('a failing disk', () => {
  test('stops the log for good, whichever sync fails', async () => {
    for (let failSyncAt = 1; failSyncAt < 25; failSyncAt++) {
      const disk = newDisk();
      const onFatal = vi.fn();
      const { log } = await openLog(disk, { segmentBytesMax: 1000, onFatal });
      disk.faults = { failSyncAt: failSyncAt + 3 };
      const outcomes: string[] = [];
      for (let i = 0; i < 8; i++) {
        await appendKeys(log, [`key ${i}`], 300).then(
          () => outcomes.push('appended'),
          (error) => outcomes.push(error instanceof LogUnusableError ? 'refused' : String(error)),
        );
      }
      const failed = outcomes.indexOf('refused');
      expect(outcomes.slice(failed < 0 ? 8 : failed).every((outcome) => outcome === 'refused')).toBe(true);
      expect(onFatal).toHaveBeenCalledTimes(failed < 0 ? 0 : 1);
      if (failed < 0) continue;
      expect(onFatal.mock.calls[0]?.[0].cause).toMatchObject({ code: 'EIO' });
      await log.close();
      const found = await keysIn(disk.afterPowerLoss());
      expect(found.slice(0, failed)).toEqual(Array.from({ length: failed }, (_, i) => `key ${i}`));
    }
  });

  test('lets no append through that waited for the mark that failed', async () => {
    const disk = newDisk();
    const timers = new ManualTimers();
    const onFatal = vi.fn();
    const { log } = await openLog(disk, { syncMode: 'relaxed', setTimer: timers.set, onFatal });
    await appendKeys(log, ['a']);
    disk.faults = { failSyncAt: 4 };
    timers.fire();
    await expect(appendKeys(log, ['b'])).rejects.toBeInstanceOf(LogUnusableError);
    expect(onFatal).toHaveBeenCalledTimes(1);
  });

  test('that cannot take a batch back is fatal', async () => {
    const disk = newDisk();
    const onFatal = vi.fn();
    const { log } = await openLog(disk, { onFatal, zeroAheadBytes: 0 });
    disk.faults = { fullShare: 1, failSyncAt: 4 };
    await expect(appendKeys(log, ['a'])).rejects.toBeInstanceOf(LogUnusableError);
    expect(onFatal).toHaveBeenCalledTimes(1);
  });
});

describe('idle and closed logs', () => {
  test('one mark follows the last batch, however long nothing comes', async () => {
    const timers = new ManualTimers();
    const { log } = await openLog(newDisk(), { setTimer: timers.set });
    expect(timers.count).toBe(0);
    const { endLsn } = await appendKeys(log, ['a']);
    timers.fire();
    await vi.waitFor(() => expect(log.end).toBe(endLsn + headerBytes), { interval: 1 });
    expect(timers.count).toBe(0);
  });

  test('a log that is appended to gets none', async () => {
    const timers = new ManualTimers();
    const { log } = await openLog(newDisk(), { setTimer: timers.set });
    await appendKeys(log, ['a']);
    const { endLsn } = await appendKeys(log, ['b']);
    timers.fire();
    await new Promise(setImmediate);
    expect([log.end, timers.count]).toEqual([endLsn, 1]);
  });

  test('an append waits for a mark in flight', async () => {
    const disk = newDisk();
    const timers = new ManualTimers();
    const { log } = await openLog(disk, { setTimer: timers.set });
    await appendKeys(log, ['a']);
    timers.fire();
    await appendKeys(log, ['b']);
    await log.close();
    expect(await keysIn(disk)).toEqual(['a', 'b']);
  });

  test('closing waits for the append in flight, once, and refuses all that follows', async () => {
    const disk = newDisk();
    const { log } = await openLog(disk);
    const appending = appendKeys(log, ['a']);
    await Promise.all([log.close(), log.close()]);
    await appending;
    await expect(appendKeys(log, ['b'])).rejects.toThrow('the log is closed');
    expect(() => log.removeBefore(0)).toThrow(LogUnusableError);
    expect(await keysIn(disk)).toEqual(['a']);
  });
});
