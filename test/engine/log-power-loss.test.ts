import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogFullError } from '../../engine/log/errors.ts';
import { BatchEncoder } from '../../engine/log/record.ts';
import { scanLog } from '../../engine/log/scan.ts';
import type { Log } from '../../engine/log/segments.ts';
import { itemChange, keysOf, logDirectory, ManualTimers, openLog } from './log-harness.ts';
import { type Faults, type Random, SimulatedDisk, seededRandom } from './simulated-files.ts';

interface WrittenBatch {
  readonly keys: string[];
  readonly endLsn: number;
}

type SyncMode = 'group' | 'relaxed';

/*
 * A batch in flight has no place yet: its `endLsn` is NaN, which is below no position.
 */

/**
 * What must be true of a log through many lives of its process, each ended by a kill or a power loss. Other state follows the log as fast as
 * it may: whatever is replayed or acknowledged can be durable there at once, which makes its loss in the log visible.
 */
class Lives {
  readonly #random: Random;
  readonly #syncMode: SyncMode;
  #disk: SimulatedDisk;
  /** Batches that were handed to the log and not refused, in order; the last one may be in flight. */
  #written: WrittenBatch[] = [];
  /** How many of them must be found after the process was killed, and after power loss. */
  #resolved = 0;
  #durable = 0;
  #appliedTo = 0;
  #nextKey = 0;

  constructor(seed: number, syncMode: SyncMode) {
    this.#random = seededRandom(seed);
    this.#syncMode = syncMode;
    this.#disk = new SimulatedDisk(this.#random, this.#faults());
  }

  async live(): Promise<void> {
    const disk = this.#disk;
    const failsSync = disk.faults.failSyncAt !== undefined;
    await Promise.race([
      disk.stopped,
      this.#liveUntilStopped(disk).catch((error) => this.#excuse(error, failsSync)),
    ]);
    await new Promise(setImmediate);
    this.#die();
  }

  async #liveUntilStopped(disk: SimulatedDisk): Promise<void> {
    const timers = new ManualTimers();
    const mayFail = disk.faults.failSyncAt !== undefined;
    const { log, replayed } = await openLog(disk, {
      syncMode: this.#syncMode,
      appliedTo: this.#appliedTo,
      setTimer: timers.set,
      onFatal: (error) => expect(mayFail, String(error.cause)).toBe(true),
    });
    this.#checkReplay(replayed.map(({ entries, endLsn }) => ({ keys: keysOf(entries), endLsn })));
    const steps = Math.floor(this.#random() * 30);
    for (let i = 0; i < steps && !disk.isStopped; i++) await this.#step(log, timers);
    if (this.#random() < 0.3) await this.#close(log);
  }

  /** What was there stays, in order; what was handed over last may be missing. */
  #checkReplay(replayed: WrittenBatch[]): void {
    const applied = this.#written.filter(({ endLsn }) => endLsn <= this.#appliedTo);
    const found = [...applied, ...replayed];
    const expected = this.#written.slice(0, found.length);
    expect(found.map(({ keys }) => keys)).toEqual(expected.map(({ keys }) => keys));
    expect(found.length).toBeGreaterThanOrEqual(this.#resolved);
    this.#written = found;
    this.#allDurable();
    if (this.#random() < 0.5) this.#apply(Infinity);
  }

  async #step(log: Log, timers: ManualTimers): Promise<void> {
    const choice = this.#random();
    if (choice < 0.75) await this.#append(log, timers);
    else if (choice < 0.85) timers.fire();
    else if (choice < 0.9) await this.#sync(log);
    else if (choice < 0.95) await log.removeBefore(this.#appliedTo);
    else this.#apply(log.durable);
  }

  async #append(log: Log, timers: ManualTimers): Promise<void> {
    const encoder = new BatchEncoder();
    const keys = Array.from({ length: 1 + Math.floor(this.#random() * 4) }, () => `key ${this.#nextKey++}`);
    let sequence = log.nextSequence;
    for (const key of keys) {
      const changes = [itemChange(key, Math.floor(this.#random() ** 4 * 3000))];
      encoder.add({ firstSequence: sequence++, timeMs: log.lastTimeMs, changes });
    }
    this.#written.push({ keys, endLsn: Number.NaN });
    try {
      const appended = log.append(encoder);
      // A disk may stall for longer than the idle time.
      while (this.#random() < 0.3) timers.fire();
      const { endLsn } = await appended;
      this.#written[this.#written.length - 1] = { keys, endLsn };
      this.#resolved = this.#written.length;
      this.#noteDurable(log.durable);
    } catch (error) {
      if (!(error instanceof LogFullError)) throw error;
      this.#written.pop();
    }
  }

  async #sync(log: Log): Promise<void> {
    const { end } = log;
    await log.sync();
    expect(log.durable).toBeGreaterThanOrEqual(end);
    this.#noteDurable(log.durable);
  }

  async #close(log: Log): Promise<void> {
    await log.close();
    this.#allDurable();
  }

  #allDurable(): void {
    this.#resolved = this.#written.length;
    this.#durable = this.#written.length;
  }

  #noteDurable(lsn: number): void {
    this.#durable = Math.max(this.#durable, this.#written.filter(({ endLsn }) => endLsn <= lsn).length);
  }

  #apply(durableLsn: number): void {
    const candidates = this.#written.filter(({ endLsn }) => endLsn <= durableLsn && endLsn > this.#appliedTo);
    const chosen = candidates[Math.floor(this.#random() * candidates.length)];
    if (chosen !== undefined) this.#appliedTo = chosen.endLsn;
  }

  #excuse(error: unknown, failsSync: boolean): void {
    if (failsSync && !(error instanceof Error && error.name === 'AssertionError')) return;
    if (error instanceof LogFullError) return;
    throw error;
  }

  #die(): void {
    const losesPower = this.#random() < 0.7;
    if (losesPower) {
      this.#disk = this.#disk.afterPowerLoss(this.#faults());
      this.#resolved = this.#durable;
    } else {
      this.#disk = this.#disk.afterKill(this.#faults());
    }
  }

  #faults(): Faults {
    const faults: Faults = {};
    if (this.#random() < 0.8) faults.stopAt = 1 + Math.floor(this.#random() * 120);
    if (this.#random() < 0.3) faults.fullShare = this.#random() * 0.3;
    if (this.#random() < 0.15) faults.failSyncAt = 1 + Math.floor(this.#random() * 30);
    return faults;
  }

  /** The disk after the last life, with everything on it checked. */
  async finish(): Promise<void> {
    this.#disk.faults = {};
    expect((await scanLog(this.#disk, logDirectory, this.#appliedTo)).problems).toEqual([]);
    const { log, replayed } = await openLog(this.#disk, { appliedTo: this.#appliedTo });
    this.#checkReplay(replayed.map(({ entries, endLsn }) => ({ keys: keysOf(entries), endLsn })));
    await log.close();
    const { problems, unfinishedBytes } = await scanLog(this.#disk, logDirectory);
    expect({ problems, unfinishedBytes }).toEqual({ problems: [], unfinishedBytes: 0 });
  }
}

test.each<SyncMode>(['group', 'relaxed'])(
  'nothing durable is lost or called damaged, whatever a lost power leaves (%s)',
  async (syncMode) => {
    const oneRun = async (seed: number) => {
      const lives = new Lives(seed, syncMode);
      for (let i = 0; i < 6; i++) await lives.live();
      await lives.finish();
    };
    await fc.assert(fc.asyncProperty(fc.nat(), oneRun), { numRuns: 300 });
  },
);
