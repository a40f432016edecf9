import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LogDamagedError } from '../../engine/log/errors.ts';
import type { LogEntry } from '../../engine/log/record.ts';
import type { Log } from '../../engine/log/segments.ts';
import { appendKeys, keysOf, logDirectory, ManualTimers, openLog } from './log-harness.ts';
import { SimulatedDisk, seededRandom } from './simulated-files.ts';

/* Reading what was appended, while the log goes on. */

interface Stretch {
  readonly key: string;
  readonly startLsn: number;
  readonly endLsn: number;
}

async function append(log: Log, key: string, bytes = 100): Promise<Stretch> {
  return { key, ...(await appendKeys(log, [key], bytes)) };
}

async function keysIn(log: Log, fromLsn: number, toLsn: number): Promise<string[]> {
  const entries: LogEntry[] = [];
  await log.read(fromLsn, toLsn, (batch) => {
    entries.push(...batch);
    return true;
  });
  return keysOf(entries);
}

test('every stretch from the beginning of a batch to the end of one, over segments and marks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ bytes: fc.nat(1500), marked: fc.boolean() }), { minLength: 1, maxLength: 12 }),
      fc.nat(11),
      fc.nat(11),
      async (batches, a, b) => {
        const timers = new ManualTimers();
        const { log } = await openLog(new SimulatedDisk(seededRandom(1), {}), { setTimer: timers.set });
        const all: Stretch[] = [];
        for (const [i, { bytes, marked }] of batches.entries()) {
          all.push(await append(log, `${i}`, bytes));
          if (marked) timers.fire();
        }
        const [from, to] = [Math.min(a, b) % all.length, Math.max(a, b) % all.length].sort((x, y) => x - y);
        const wanted = all.slice(from, (to ?? 0) + 1);
        const found = await keysIn(log, wanted[0]?.startLsn ?? 0, wanted.at(-1)?.endLsn ?? 0);
        expect(found).toEqual(wanted.map(({ key }) => key));
        await log.close();
      },
    ),
    { numRuns: 100 },
  );
});

describe('a reader', () => {
  test('stops where it wants no more', async () => {
    const { log } = await openLog(new SimulatedDisk(seededRandom(1), {}));
    const first = await append(log, 'a');
    for (const key of ['b', 'c', 'd']) await append(log, key, 3000);
    const found: string[] = [];
    await log.read(first.startLsn, log.end, (entries) => {
      found.push(...keysOf(entries));
      return found.length < 2;
    });
    expect(found).toEqual(['a', 'b']);
    await log.close();
  });

  test('is not disturbed by what is appended meanwhile, nor sees it', async () => {
    const { log } = await openLog(new SimulatedDisk(seededRandom(1), {}));
    const first = await append(log, 'a');
    const second = await append(log, 'b');
    const reading = keysIn(log, first.startLsn, second.endLsn);
    for (const key of ['c', 'd', 'e']) await append(log, key, 3000);
    expect(await reading).toEqual(['a', 'b']);
    await log.close();
  });

  test('names the place of damage', async () => {
    const disk = new SimulatedDisk(seededRandom(1), {});
    const { log } = await openLog(disk);
    const first = await append(log, 'a');
    const second = await append(log, 'b');
    const path = join(logDirectory, '0000000000000000.log');
    const file = await disk.open(path, 'buffered');
    await file.write(Buffer.from([0xff]), second.startLsn + 80);
    await file.close();
    const damaged = keysIn(log, first.startLsn, second.endLsn);
    await expect(damaged).rejects.toThrow(
      new LogDamagedError(path, second.startLsn, 'the checksum of the payload is wrong'),
    );
    await expect(keysIn(log, first.startLsn, first.endLsn)).resolves.toEqual(['a']);
    await expect(keysIn(log, first.startLsn + 1, second.endLsn)).rejects.toThrow('no valid batch header');
    await log.close();
  });
});

test('opening hands on what was applied long ago, where it is asked for', async () => {
  const disk = new SimulatedDisk(seededRandom(1), {});
  const { log } = await openLog(disk);
  const all: Stretch[] = [];
  for (const key of ['a', 'b', 'c', 'd']) all.push(await append(log, key, 3000));
  await log.close();
  const appliedTo = all[2]?.endLsn ?? 0;
  for (const isWhole of [true, false]) {
    const seen: Stretch[] = [];
    const visit = (entries: LogEntry[], startLsn: number, endLsn: number) => {
      seen.push({ key: keysOf(entries).join(), startLsn, endLsn });
    };
    const opened = await openLog(disk, { appliedTo, history: { visit, isWhole } });
    expect(opened.replayed.flatMap(({ entries }) => keysOf(entries))).toEqual(['d']);
    expect(seen).toEqual(isWhole ? all : all.slice(3));
    await opened.log.close();
  }
});
