import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ArchiveReader } from '../../../engine/history/archive-reader.ts';
import { readChanges } from '../../../engine/history/change-list.ts';
import { loadedRows } from '../../../engine/history/loaded-rows.ts';
import { HistoryEngine, itemsOf } from './history-harness.ts';

/* The clock is the test's: a second lasts until the test moves it. */

/** Three changes of such an item fill a segment of the log; it cannot be compressed by much. */
function text(): string {
  return randomBytes(560).toString('base64');
}

const dayMs = 86_400_000;

let engine: HistoryEngine;

beforeEach(async () => {
  engine = await HistoryEngine.open({ pitrBaseBytesMin: 4096 });
  await engine.createTable('Table');
});

afterEach(() => engine.remove());

/** 700 ms a write; a segment of the log is full after three. */
async function write(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await engine.put('Table', `${i % 7}`, `${i} ${text()}`);
    if (i % 5 === 4) await engine.delete('Table', `${i % 3}`);
    engine.advance(700);
  }
  // A base also has what LMDB lacks when it begins.
  await engine.flush();
  await engine.histories.wake();
}

function bounds() {
  const restorable = engine.histories.restorable(engine.definition('Table'), engine.nowMs);
  if (restorable === undefined) throw new Error('it is off');
  return restorable;
}

async function expectEverySecond(): Promise<void> {
  const { earliestMs, latestMs } = bounds();
  for (const ms of engine.model.seconds('Table', earliestMs, latestMs))
    expect(await engine.restored('Table', ms + 999)).toEqual(engine.model.at('Table', ms + 999));
}

/** Until there is a base of what was written since then. */
async function untilNewBase(sinceMs: number): Promise<void> {
  await vi.waitFor(async () => {
    const { sequence } = engine.services.committer.lastPublished;
    const { plan, release } = await engine.histories.plan(engine.definition('Table'), { sequence });
    const base = await ArchiveReader.open(plan.base);
    await base.close();
    release();
    expect(base.summary.through.timeMs).toBeGreaterThan(sinceMs);
  }, 20_000);
}

function historyFolder(sequence?: number): string {
  return join(engine.directory, 'history', sequence === undefined ? '' : String(sequence));
}

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

describe('a history', () => {
  test('brings back every second, from bases, files and the end of the log', async () => {
    await engine.put('Table', 'before', '0');
    engine.advance(1500);
    const { enabledMs } = await engine.enable('Table');
    await write(12);
    await write(12);
    expect(bounds().earliestMs).toBe(Math.floor(enabledMs / 1000) * 1000);
    await expectEverySecond();
    await untilNewBase(enabledMs + 8_000);
    await expectEverySecond();
  });

  test('waits for the end of the second that is wanted', async () => {
    await engine.put('Table', 'a', '1');
    await engine.enable('Table');
    // Otherwise that would be waited for, too.
    await vi.waitFor(() => expect(engine.histories.stats().tables[0]?.bases).toBe(1), 10_000);
    const restored = engine.restored('Table', bounds().latestMs + 999);
    await engine.put('Table', 'b', '2');
    const first = await Promise.race([restored, engine.histories.wake().then(() => 'waits')]);
    expect(first).toBe('waits');
    engine.advance(1000);
    await engine.put('Table', 'c', '3');
    expect([...(await restored).keys()].sort()).toEqual(['a', 'b']);
  });

  test('refuses the plans that wait when it is closed', async () => {
    await engine.enable('Table');
    const end = { timeMs: bounds().latestMs + 999 };
    const waiting = Array.from({ length: 20 }, () => engine.histories.plan(engine.definition('Table'), end));
    const outcomes = Promise.allSettled(waiting);
    engine = await engine.reopen();
    for (const outcome of await outcomes)
      expect(outcome).toMatchObject({ reason: { message: 'the server is shutting down' } });
  });

  test('begins again with the log where it was killed before it had a base', async () => {
    await engine.put('Table', 'before', '0');
    await engine.enable('Table');
    for (let i = 0; i < 12; i++) {
      await engine.put('Table', `${i % 5}`, `${i} ${text()}`);
      engine.advance(300);
    }
    engine = await engine.killed();
    await engine.flush();
    await expectEverySecond();
  });

  test('lets the log go, and what a plan needs stays until it is released', async () => {
    await engine.enable('Table');
    await write(10);
    const atMs = bounds().latestMs + 999;
    const { plan, release } = await engine.histories.plan(engine.definition('Table'), { timeMs: atMs });
    await write(10);
    await engine.flush();
    expect(engine.log.segments[0]?.startLsn).toBeLessThanOrEqual(plan.log?.fromLsn ?? 0);
    engine.advance(40 * dayMs);
    await engine.histories.wake();
    expect(await itemsOf(plan)).toEqual(engine.model.at('Table', atMs));
    release();
    await engine.put('Table', 'again', '1');
    await engine.histories.wake();
    await engine.flush();
    expect(engine.log.segments.length).toBeLessThanOrEqual(2);
  });

  test('stays for a plan that is being read when it is switched off, and goes then', async () => {
    const { sequence } = await engine.enable('Table');
    await write(8);
    const { plan, release } = await engine.histories.plan(engine.definition('Table'), { sequence: 12 });
    await engine.disable('Table');
    await engine.histories.wake();
    for await (const rows of loadedRows(plan)) expect(rows.length).toBeGreaterThan(0);
    release();
    await engine.histories.wake();
    expect(existsSync(historyFolder(sequence))).toBe(false);
    expect(engine.histories.pinLsn()).toBe(Number.POSITIVE_INFINITY);
  });

  test('gets its base while more and more of the log has to be taken apart', async () => {
    const names = ['Table', 'Second', 'Third', 'Fourth'];
    for (const name of names.slice(1)) await engine.createTable(name);
    let isWriting = true;
    const writer = (async () => {
      for (let i = 0; isWriting; i++) await engine.put('Table', `${i % 7}`, `${i} ${text()}`);
    })();
    try {
      for (const name of names) await engine.enable(name);
      await vi.waitFor(() => {
        for (const { bases } of engine.histories.stats().tables) expect(bases).toBeGreaterThan(0);
      }, 20_000);
    } finally {
      isWriting = false;
      await writer;
    }
  });

  test('is there soon after a start, however much of the log has to be taken apart', async () => {
    await engine.enable('Table');
    await write(6);
    const { latestMs } = bounds();
    const model = engine.model.at('Table', latestMs + 999);
    engine = await engine.reopen();
    let isWriting = true;
    const writer = (async () => {
      for (let i = 0; isWriting; i++) await engine.put('Table', `${i % 7}`, `${i} ${text()}`);
    })();
    try {
      const late = new Promise((resolve) => setTimeout(resolve, 15_000, 'late'));
      expect(await Promise.race([engine.restored('Table', latestMs + 999), late])).toEqual(model);
    } finally {
      isWriting = false;
      await writer;
    }
  });

  test('does not mind when files are taken away that it needs no more', async () => {
    const { sequence } = await engine.enable('Table', 1);
    await write(12);
    await untilNewBase(engine.nowMs - 8_000);
    for (const name of readdirSync(historyFolder(sequence)))
      if (name.startsWith('changes')) rmSync(join(historyFolder(sequence), name));
    engine.advance(5 * dayMs);
    await write(20);
    await untilNewBase(engine.nowMs - dayMs);
    engine.advance(2 * dayMs);
    await engine.histories.wake();
    expect(engine.histories.stats().tables[0]).toMatchObject({ bases: 1 });
    await expectEverySecond();
  });

  test('begins anew when it is switched on again', async () => {
    const first = await engine.enable('Table');
    await write(10);
    const definition = engine.definition('Table');
    await engine.disable('Table');
    await write(3);
    const second = await engine.enable('Table');
    await write(10);
    expect(readdirSync(historyFolder()).sort()).toEqual([String(second.sequence), 'progress.json']);
    expect(existsSync(historyFolder(first.sequence))).toBe(false);
    await expect(engine.histories.plan(definition, { timeMs: engine.nowMs - 1000 })).rejects.toThrow(
      'switched off',
    );
    await expectEverySecond();
  });
});

describe('retention', () => {
  test('keeps what the recovery period needs, and gives the rest of the disk back', async () => {
    const { sequence } = await engine.enable('Table', 2);
    const days: { readonly bytes: number; readonly files: number }[] = [];
    for (let day = 0; day < 6; day++) {
      await write(12);
      engine.advance(dayMs);
      await engine.put('Table', 'last', `${day}`);
      await untilNewBase(engine.nowMs - dayMs - 8_000);
      await engine.histories.wake();
      const folder = historyFolder(sequence);
      days.push({ bytes: bytesIn(folder), files: readdirSync(folder).length });
    }
    // Two days, and the base before them with what came since then: from the fourth day on nothing is added.
    const [fourth, last] = [days[3], days[5]];
    expect(last?.files).toBeLessThan(1.2 * (fourth?.files ?? 0));
    expect(last?.bytes).toBeLessThan(1.2 * (fourth?.bytes ?? 0));
    const { bytes, bases, changeFiles } = engine.histories.stats().tables[0] ?? {};
    expect({ bytes, files: (bases ?? 0) + (changeFiles ?? 0) }).toEqual(last);
    const { earliestMs, latestMs } = bounds();
    for (const ms of engine.model.seconds('Table', earliestMs, latestMs).slice(0, 10))
      expect(await engine.restored('Table', ms + 999)).toEqual(engine.model.at('Table', ms + 999));
  });

  test('is satisfied with one base where nothing changes', async () => {
    const { sequence } = await engine.enable('Table', 1);
    await write(20);
    engine.advance(10 * dayMs);
    await engine.histories.wake();
    expect(readdirSync(historyFolder(sequence)).filter((name) => name.startsWith('base'))).toHaveLength(1);
    expect(await engine.restored('Table', bounds().earliestMs + 999)).toEqual(
      engine.model.at('Table', engine.nowMs),
    );
  });
});

describe('on opening', () => {
  test('what is half-made goes, and folders of windows that are gone', async () => {
    const { sequence } = await engine.enable('Table');
    await write(10);
    const folder = historyFolder(sequence);
    const unfinished = ['base-0000000000000099.archive.unsynced', 'changes-0000000000000001.archive.partial'];
    for (const name of unfinished) writeFileSync(join(folder, name), 'half');
    mkdirSync(historyFolder(12345));
    writeFileSync(join(historyFolder(12345), 'base-0000000000012345.archive'), 'old');
    engine = await engine.reopen();
    await engine.histories.wake();
    expect(readdirSync(folder).filter((name) => !name.endsWith('.archive'))).toEqual([]);
    expect(existsSync(historyFolder(12345))).toBe(false);
    await expectEverySecond();
  });
});

describe('a disk that fails', () => {
  test('is tried again', async () => {
    const errors: string[] = [];
    const log = {
      info: () => {},
      warn: () => {},
      error: (_: object, message: string) => errors.push(message),
    };
    await engine.remove();
    engine = await HistoryEngine.open({ pitrBaseBytesMin: 4096, log });
    await engine.createTable('Table');
    mkdirSync(historyFolder());
    // A file stands where the folder of the next window has to be.
    const sequence = engine.services.committer.nextSequence;
    writeFileSync(historyFolder(sequence), '');
    await engine.enable('Table');
    for (let i = 0; i < 10; i++) await engine.put('Table', `${i % 5}`, `${i} ${text()}`);
    engine.advance(1000);
    await expect(engine.restored('Table', engine.nowMs - 1)).rejects.toThrow();
    await engine.flush();
    await engine.histories.wake();
    expect(errors).toContain('cannot keep up the histories of tables; trying again later');
    expect(errors).toContain('cannot write a base of a history; trying again later');
    rmSync(historyFolder(sequence));
    await engine.histories.wake();
    await expectEverySecond();
  });
});

describe('changes between two times', () => {
  test('are all of them and no others, from files and from the log', async () => {
    await engine.put('Table', 'before', '0');
    await engine.enable('Table');
    const written: { readonly timeMs: number; readonly v: string }[] = [];
    for (let i = 0; i < 30; i++) {
      const v = `${i} ${text()}`;
      await engine.put('Table', `${i % 7}`, v);
      written.push({ timeMs: engine.nowMs, v });
      engine.advance(130);
      if (i === 20) await engine.histories.wake();
    }
    const [first, last] = [written[0]?.timeMs ?? 0, written.at(-1)?.timeMs ?? 0];
    for (const [fromMs, toMs] of [
      [first, last + 100],
      [first, first + 1],
      [first + 1, last],
      [first + 1300, first + 2600],
      [last, last + 1],
      [last + 1, last + 2],
    ] as const) {
      const { list, release } = await engine.histories.changesBetween(
        engine.definition('Table'),
        fromMs,
        toMs,
      );
      const found: string[] = [];
      for await (const changes of readChanges(list)) {
        for (const { change } of changes) {
          if (change.kind === 'item') found.push(JSON.parse(change.newImage?.json.toString() ?? '').v.S);
        }
      }
      release();
      const wanted = written.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs).map(({ v }) => v);
      expect(found).toEqual(wanted);
    }
  });
});
