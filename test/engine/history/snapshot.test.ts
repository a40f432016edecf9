import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ArchiveReader } from '../../../engine/history/archive-reader.ts';
import type { LoadPlan } from '../../../engine/history/load-plan.ts';
import { definitionAt } from '../../../engine/history/loaded-rows.ts';
import type { SnapshotProgress } from '../../../engine/history/snapshot-worker.ts';
import { StateDamagedError } from '../../../engine/state/layout.ts';
import { type Random, seededRandom } from '../simulated-files.ts';
import { changesOf, itemsOf, temporaryFolder } from './archive-harness.ts';
import { isSame, loaded, SnapshotEngine } from './snapshot-harness.ts';

const noises = randomText(1024 * 1024);

describe('a snapshot', () => {
  test('holds a table that nobody writes to', async () => {
    const engine = await SnapshotEngine.open();
    for (const p of ['a', 'b', 'c']) await engine.write(p, `text of ${p}`);
    await engine.write('b', undefined);
    await engine.flush();
    const plan = await engine.take();
    expect(await loaded(plan)).toEqual(engine.states.at(-1)?.items);
    expect(plan.through).toMatchObject({ sequence: engine.states.at(-1)?.sequence });
    await withReader(plan, async (reader) => {
      expect(await changesOf(reader)).toEqual([]);
      expect(reader.summary).toMatchObject({
        itemCount: 2,
        sizeBytes: 'text of a'.length * 2,
        table: engine.table,
      });
      expect(reader.fileBytes).toBe(statSync(plan.base).size);
    });
  });

  test('holds a table that LMDB has nothing of', async () => {
    const engine = await SnapshotEngine.open();
    for (const p of ['a', 'b', 'c']) await engine.write(p, `text of ${p}`);
    const plan = await engine.take();
    expect(await loaded(plan)).toEqual(engine.states.at(-1)?.items);
    expect(await definitionAt(plan)).toEqual(engine.table);
    await withReader(plan, async (reader) => expect(await itemsOf(reader)).toEqual([]));
  });

  test('of an empty table is empty', async () => {
    const engine = await SnapshotEngine.open();
    await engine.flush();
    expect(await loaded(await engine.take())).toEqual(new Map());
  });

  test.each([
    { what: 'whatever is written meanwhile' },
    { what: 'where LMDB lags behind', replicaLagMs: 150 },
    { what: 'where LMDB takes small batches', overlayBytesMax: 512 * 1024 },
  ])('is consistent at each of its moments, $what', async ({ what, ...sizes }) => {
    const engine = await SnapshotEngine.open(sizes);
    const random = seededRandom(what.length);
    await writeRandomly(engine, random, 600);
    await engine.flush();
    const oldestLsn = engine.publishedLsn;
    engine.pinnedLsn = oldestLsn;
    await writeRandomly(engine, random, 50);
    for (const fromLsn of [undefined, oldestLsn]) {
      const plan = await whileWriting(engine, random, () =>
        engine.take({ ...(fromLsn !== undefined && { fromLsn }) }),
      );
      await expectEveryMoment(engine, plan, random);
    }
  });

  test('holds the table after restarts and kills, with what was not in LMDB then', async () => {
    let engine = await SnapshotEngine.open();
    const random = seededRandom(5);
    for (let round = 0; round < 4; round++) {
      await writeRandomly(engine, random, 100);
      await engine.flush();
      await writeRandomly(engine, random, 30);
      engine = round % 2 === 0 ? await engine.killed() : await engine.reopened();
      const idle = await engine.take();
      expect(idle.through).toEqual(momentOf(engine.states.at(-1)));
      const busy = await whileWriting(engine, random, () => engine.take());
      for (const plan of [idle, busy]) await expectEveryMoment(engine, plan, random);
    }
  });

  test('has the changes of its table from the LSN on that is asked for', async () => {
    const engine = await SnapshotEngine.open();
    await engine.write('a', '1');
    const fromLsn = engine.publishedLsn;
    engine.pinnedLsn = fromLsn;
    const renamed = { ...engine.table, deletionProtection: true };
    await engine.change({ put: renamed });
    await engine.change({ put: { ...engine.table, number: engine.table.number + 1, name: 'others' } });
    await engine.write('a', '2');
    await engine.flush();
    const plan = await engine.take({ fromLsn });
    await withReader(plan, async (reader) => {
      expect((await changesOf(reader)).map(({ change }) => change.kind)).toEqual(['catalog', 'item']);
      const { from } = reader.snapshot;
      expect(await loaded({ ...plan, through: { sequence: from.sequence } })).toEqual(engine.itemsAt(from));
      expect(await loaded({ ...plan, through: { sequence: from.sequence + 1 } })).toEqual(
        engine.itemsAt(from),
      );
    });
    expect(await definitionAt(plan)).toEqual(renamed);
  });

  test('keeps what it needs of the log, and no longer than it lasts', async () => {
    const engine = await SnapshotEngine.open({ logSegmentBytesMax: 4096 });
    await engine.write('a', 'x'.repeat(1000));
    await engine.flush();
    expect(engine.snapshots.pinLsn()).toBe(Number.POSITIVE_INFINITY);
    const startLsn = engine.publishedLsn;
    const taking = engine.take();
    await expect.poll(() => engine.snapshots.pinLsn()).toBe(startLsn);
    for (let i = 0; i < 20; i++) await engine.write('a', `${i}`.repeat(500));
    await engine.flush();
    expect(engine.firstLsn).toBeLessThanOrEqual(startLsn);
    expect(await loaded(await taking)).toBeInstanceOf(Map);
    expect(engine.snapshots.pinLsn()).toBe(Number.POSITIVE_INFINITY);
    await engine.write('a', 'last');
    await engine.flush();
    await expect.poll(() => engine.firstLsn).toBeGreaterThan(startLsn);
    await expect(engine.take({ fromLsn: startLsn })).rejects.toThrow(RangeError);
  });

  test('tells how far it has come', async () => {
    const engine = await SnapshotEngine.open();
    await writeRandomly(engine, seededRandom(1), 300);
    await engine.flush();
    const told: SnapshotProgress[] = [];
    await engine.take({ onProgress: (progress) => void told.push(progress) });
    const { items = new Map() } = engine.states.at(-1) ?? {};
    expect(told.at(-1)).toEqual({ items: items.size, sizeBytes: bytesOf(items) });
  });

  test('of a table that is deleted meanwhile fails', async () => {
    const engine = await SnapshotEngine.open();
    await writeRandomly(engine, seededRandom(1), 50);
    const taking = engine.take();
    await engine.change({ remove: engine.table.number });
    await expect(taking).rejects.toThrow('the table was deleted while a snapshot of it was taken');
  });

  test('with a damaged item fails, and names its key', async () => {
    const opened = await SnapshotEngine.open();
    for (const p of ['a', 'b', 'c']) await opened.write(p, `the text of ${p}`);
    await opened.flush();
    const engine = await opened.reopened(() => {
      const path = join(opened.directory, 'state', 'data.mdb');
      const bytes = readFileSync(path);
      bytes.write('T', bytes.lastIndexOf('the text of b'));
      writeFileSync(path, bytes);
    });
    const folder = temporaryFolder();
    const taking = engine.take({ archivePath: join(folder, 'a.archive') });
    await expect(taking).rejects.toThrow(StateDamagedError);
    await expect(taking).rejects.toThrow(/the item at key 00000007[0-9a-f]{8}000162: its checksum is wrong/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a snapshot that is given up', () => {
  test('by its caller leaves no file, and others go on', async () => {
    const engine = await SnapshotEngine.open();
    await writeRandomly(engine, seededRandom(1), 300);
    await engine.flush();
    const folder = temporaryFolder();
    const aborter = new AbortController();
    const taking = engine.take({ archivePath: join(folder, 'a.archive'), signal: aborter.signal });
    const other = engine.take();
    aborter.abort(new Error('not wanted any more'));
    await expect(taking).rejects.toThrow('not wanted any more');
    expect(readdirSync(folder)).toEqual([]);
    expect(isSame(await loaded(await other), engine.states.at(-1)?.items ?? new Map())).toBe(true);
  });

  test('as the disk is nearly full leaves no file', async () => {
    const engine = await SnapshotEngine.open();
    await writeRandomly(engine, seededRandom(1), 300);
    await engine.flush();
    const archivePath = join(temporaryFolder(), 'a.archive');
    const refusal = 'The disk is nearly full.';
    const full = { code: 'ServiceUnavailable', message: refusal };
    engine.refusal = refusal;
    await expect(engine.take({ archivePath })).rejects.toMatchObject(full);
    engine.refusal = undefined;
    const taking = engine.take({ archivePath });
    engine.refusal = refusal;
    await expect(taking).rejects.toMatchObject(full);
    expect(readdirSync(dirname(archivePath))).toEqual([]);
    engine.refusal = undefined;
    await engine.take({ archivePath });
  });

  test('with the engine leaves no file, whether it was under way or waited', async () => {
    const engine = await SnapshotEngine.open();
    await writeRandomly(engine, seededRandom(1), 300);
    await engine.flush();
    const folder = temporaryFolder();
    const taking = Array.from({ length: 5 }, (_, i) =>
      engine.take({ archivePath: join(folder, `${i}.archive`) }),
    );
    const outcomes = Promise.allSettled(taking);
    await engine.close();
    const reasons = (await outcomes).map(
      (outcome) => outcome.status === 'rejected' && outcome.reason.message,
    );
    expect(reasons).toEqual(Array.from({ length: 5 }, () => 'the engine is closing'));
    expect(readdirSync(folder)).toEqual([]);
    await expect(engine.take()).rejects.toThrow('the engine is closing');
  });

  test('with the process leaves nothing under its name', async () => {
    const engine = await SnapshotEngine.open();
    for (let i = 0; i < 400; i++) await engine.write(`${i}`, noise(i, 60_000));
    await engine.close();
    const archivePath = join(temporaryFolder(), 'a.archive');
    const script = fileURLToPath(new URL('./snapshot-child.js', import.meta.url));
    const state = join(engine.directory, 'state');
    const child = spawn(process.execPath, [script, state, archivePath, JSON.stringify(engine.table)]);
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await exited;
    expect([existsSync(archivePath), existsSync(`${archivePath}.partial`)]).toEqual([false, true]);
  });
});

test('more snapshots than are taken at a time are all taken', async () => {
  const engine = await SnapshotEngine.open();
  await writeRandomly(engine, seededRandom(1), 100);
  const plans = await Promise.all(Array.from({ length: 6 }, () => engine.take()));
  const items = engine.states.at(-1)?.items ?? new Map();
  for (const plan of plans) expect(isSame(await loaded(plan), items)).toBe(true);
});

test('the file of LMDB does not grow for snapshots that are taken while everything is overwritten', async () => {
  const engine = await SnapshotEngine.open({ overlayBytesMax: 4 * 1024 * 1024 });
  const file = join(engine.directory, 'state', 'data.mdb');
  const overwriteAll = async () => {
    for (let i = 0; i < 500; i += 50) {
      const writes = Array.from({ length: 50 }, (_, k) => engine.write(`${i + k}`, noise(i + k, 10_000)));
      await Promise.all(writes);
    }
    await engine.flush();
  };
  for (let round = 0; round < 3; round++) await overwriteAll();
  const bytes = statSync(file).size;
  let isOver = false;
  const snapshots = (async () => {
    while (!isOver) await engine.take();
  })();
  for (let round = 0; round < 6; round++) await overwriteAll();
  isOver = true;
  await snapshots;
  expect(statSync(file).size).toBeLessThan(2 * bytes);
});

/** Items of some kB, so that a scan has a few slices; some go. */
async function writeRandomly(engine: SnapshotEngine, random: Random, count: number): Promise<void> {
  for (let i = 0; i < count; i += 10) {
    const writes = Array.from({ length: 10 }, () => {
      const p = `item ${Math.floor(random() * 300)}`;
      return engine.write(p, random() < 0.15 ? undefined : noise(random() * 1e9, 2000 + random() * 20_000));
    });
    await Promise.all(writes);
  }
}

async function whileWriting<T>(engine: SnapshotEngine, random: Random, work: () => Promise<T>): Promise<T> {
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      await writeRandomly(engine, random, 10);
      if (random() < 0.1) await engine.flush();
    }
  })();
  try {
    return await work();
  } finally {
    isOver = true;
    await writing;
  }
}

/** Both ends, and some between; by sequence numbers and by times. */
async function expectEveryMoment(engine: SnapshotEngine, plan: LoadPlan, random: Random): Promise<void> {
  await withReader(plan, async (reader) => {
    const { from, through, itemCount, sizeBytes } = reader.snapshot;
    const within = engine.states.filter(
      ({ sequence }) => sequence >= from.sequence && sequence <= through.sequence,
    );
    const some = Array.from({ length: 4 }, () => within[Math.floor(random() * within.length)] ?? through);
    for (const { sequence, timeMs } of [from, ...some, through]) {
      const at = engine.itemsAt({ sequence });
      expect(isSame(await loaded({ ...plan, through: { sequence } }), at), `sequence ${sequence}`).toBe(true);
      if (timeMs < from.timeMs || timeMs >= through.timeMs) continue;
      const then = engine.itemsAt({ timeMs });
      expect(isSame(await loaded({ ...plan, through: { timeMs } }), then), `time ${timeMs}`).toBe(true);
    }
    const items = engine.itemsAt(through);
    expect([itemCount, sizeBytes]).toEqual([items.size, bytesOf(items)]);
  });
}

async function withReader(plan: LoadPlan, use: (reader: ArchiveReader) => Promise<void>): Promise<void> {
  const reader = await ArchiveReader.open(plan.base);
  try {
    await use(reader);
  } finally {
    await reader.close();
  }
}

function momentOf(
  state: { readonly sequence: number; readonly timeMs: number } | undefined,
): object | undefined {
  return state && { sequence: state.sequence, timeMs: state.timeMs };
}

function bytesOf(items: ReadonlyMap<string, string>): number {
  return [...items.values()].reduce((sum, text) => sum + text.length, 0);
}

/** Text that compresses little, the same for the same seed. */
function noise(seed: number, bytes: number): string {
  const start = Math.floor(seededRandom(seed)() * (noises.length - bytes));
  return noises.slice(start, start + bytes);
}

function randomText(bytes: number): string {
  const random = seededRandom(1);
  return Buffer.from(Array.from({ length: bytes }, () => 32 + Math.floor(random() * 94))).toString('latin1');
}
