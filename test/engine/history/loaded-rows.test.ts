import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeFiles } from '../../../engine/files.ts';
import type { ArchivedChange } from '../../../engine/history/block.ts';
import type { LoadedRow, LoadMoment, LoadPlan } from '../../../engine/history/load-plan.ts';
import { definitionAt, loadedRows } from '../../../engine/history/loaded-rows.ts';
import { BatchEncoder, type Change } from '../../../engine/log/record.ts';
import { itemKey } from '../../../engine/state/layout.ts';
import { joinKey } from '../../../protocol/key.ts';
import { openLog } from '../log-harness.ts';
import {
  changed,
  definition,
  image,
  snapshotOf,
  tableNumber,
  temporaryFolder,
  writeArchive,
} from './archive-harness.ts';

const keys = ['a', 'b', 'c', 'd'].map((p) => joinKey(p, ''));

/** One write after the other; what is not of a key changes the table's definition. */
const history = fc.array(
  fc.record({
    key: fc.option(fc.constantFrom(...keys), { nil: undefined, freq: 8 }),
    removes: fc.boolean(),
    laterMs: fc.integer({ min: 0, max: 2 }),
    ofOther: fc.integer({ min: 0, max: 2 }),
  }),
  { minLength: 1, maxLength: 40 },
);

/** After how many writes the scan begins and ends, and the files end. */
const cuts = fc
  .array(fc.nat(40), { minLength: 3, maxLength: 3 })
  .map((drawn) => drawn.toSorted((a, b) => a - b));

test('the rows of a plan make the table what it was, at every moment from the beginning of the base on', async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      cuts,
      fc.array(fc.nat(40), { minLength: 4, maxLength: 4 }),
      async (drawn, cut, scanned) => {
        const directory = temporaryFolder();
        const world = new World(drawn);
        const [from = 0, through = 0, filesEnd = 0] = cut.map((at) => Math.min(at, drawn.length));
        const plan = await world.planned(directory, {
          from,
          through,
          filesEnd,
          logStart: Math.min(scanned[0] ?? 0, filesEnd),
          scanned,
        });
        for (let i = from; i <= drawn.length; i++) {
          const moments: LoadMoment[] = [{ sequence: world.sequenceBefore(i) }];
          if (world.isLastOfMs(i)) moments.push({ timeMs: world.timeBefore(i) });
          for (const moment of moments) {
            const at = { ...plan, through: moment };
            expect(await loaded(at)).toEqual(world.items(i));
            expect((await definitionAt(at)).name).toBe(world.name(i));
          }
        }
        const before = { ...plan, through: { sequence: world.sequenceBefore(from) - 1 } };
        await expect(loaded(before)).rejects.toThrow(/begins behind the moment/);
      },
    ),
    { numRuns: 60 },
  );
});

test('a base alone gives what it holds', async () => {
  const base = join(temporaryFolder(), 'base.archive');
  const key = itemKey(keys[0] ?? '');
  const through = { sequence: 9, timeMs: 9 };
  await writeArchive(base, { items: [{ key, image: image('A') }], contents: snapshotOf({ through }) });
  const plan: LoadPlan = { base, changes: [], table: tableNumber, through };
  expect(await loaded(plan)).toEqual({ [key]: 'A' });
  expect(await definitionAt(plan)).toEqual(definition());
});

test('changes alone are nothing to load', async () => {
  const base = join(temporaryFolder(), 'changes.archive');
  await writeArchive(base, { contents: { kind: 'changes', table: tableNumber, fromLsn: 0, toLsn: 64 } });
  const plan: LoadPlan = { base, changes: [], table: tableNumber, through: { timeMs: 1 } };
  await expect(loaded(plan)).rejects.toThrow(/holds changes of a table and no items/);
});

interface DrawnWrite {
  readonly key: string | undefined;
  readonly removes: boolean;
  readonly laterMs: number;
  readonly ofOther: number;
}

interface Cuts {
  readonly from: number;
  readonly through: number;
  readonly filesEnd: number;
  readonly logStart: number;
  /** After how many writes the scan has met each key. */
  readonly scanned: readonly number[];
}

/** What a history of writes leaves, after each of them. */
class World {
  readonly #states: { readonly items: Record<string, string>; readonly name: string }[] = [
    { items: {}, name: 'orders' },
  ];
  readonly #changes: ArchivedChange[] = [];

  constructor(writes: readonly DrawnWrite[]) {
    let [sequence, timeMs] = [10, 1000];
    writes.forEach(({ key, removes, laterMs, ofOther }, i) => {
      sequence += 1 + ofOther;
      timeMs += laterMs;
      this.#add(i, key, removes, { sequence, timeMs });
    });
  }

  #add(i: number, key: string | undefined, removes: boolean, at: { sequence: number; timeMs: number }): void {
    const { items, name } = this.#state(i);
    if (key === undefined) {
      const renamed = `orders-${i}`;
      const change = {
        kind: 'catalog',
        json: JSON.stringify({ put: definition({ name: renamed }) }),
      } as const;
      this.#changes.push({ ...at, change });
      this.#states.push({ items, name: renamed });
      return;
    }
    const after = removes ? undefined : `value ${i}`;
    this.#changes.push({ ...at, change: changed(key, items[itemKey(key)], after) });
    const { [itemKey(key)]: _, ...others } = items;
    this.#states.push({ items: after === undefined ? others : { ...others, [itemKey(key)]: after }, name });
  }

  #state(i: number): { readonly items: Record<string, string>; readonly name: string } {
    const state = this.#states[i];
    if (state === undefined) throw new RangeError(`no state ${i}`);
    return state;
  }

  items(i: number): Record<string, string> {
    return this.#state(i).items;
  }

  name(i: number): string {
    return this.#state(i).name;
  }

  sequenceBefore(i: number): number {
    return this.#changes[i - 1]?.sequence ?? 10;
  }

  timeBefore(i: number): number {
    return this.#changes[i - 1]?.timeMs ?? 1000;
  }

  isLastOfMs(i: number): boolean {
    return this.#changes[i]?.timeMs !== this.timeBefore(i);
  }

  async planned(directory: string, cuts: Cuts): Promise<Omit<LoadPlan, 'through'>> {
    const base = await this.#writeBase(directory, cuts);
    const changes = await this.#writeFiles(directory, cuts);
    const log = await this.#writeLog(directory, cuts.logStart);
    return { base, changes, log, table: tableNumber };
  }

  async #writeBase(directory: string, { from, through, scanned }: Cuts): Promise<string> {
    const path = join(directory, 'base.archive');
    const items: LoadedRow[] = [];
    for (const [i, key] of keys.map(itemKey).entries()) {
      const met = Math.min(Math.max(scanned[i] ?? 0, from), through);
      const text = this.items(met)[key];
      if (text !== undefined) items.push({ key, image: image(text) });
    }
    const contents = snapshotOf({
      from: { sequence: this.sequenceBefore(from), timeMs: this.timeBefore(from) },
      through: { sequence: this.sequenceBefore(through), timeMs: this.timeBefore(through) },
      table: definition({ name: this.name(from) }),
    });
    await writeArchive(path, { items, changes: this.#changes.slice(from, through), contents });
    return path;
  }

  /** Two of them, the first of which the base overlaps. */
  async #writeFiles(directory: string, { from, through, filesEnd }: Cuts): Promise<string[]> {
    const middle = Math.ceil((through + filesEnd) / 2);
    const files = [
      [from, middle],
      [middle, filesEnd],
    ] as const;
    const contents = { kind: 'changes', table: tableNumber, fromLsn: 0, toLsn: 0 } as const;
    return Promise.all(
      files.map(async ([start, end], i) => {
        const path = join(directory, `changes-${i}.archive`);
        await writeArchive(path, { changes: this.#changes.slice(start, Math.max(start, end)), contents });
        return path;
      }),
    );
  }

  /** With changes of another table between those of this one. */
  async #writeLog(directory: string, start: number): Promise<LoadPlan['log'] & object> {
    const { log } = await openLog(nodeFiles, { directory: join(directory, 'log'), segmentBytesMax: 700 });
    let next = 1;
    for (const { change, sequence, timeMs } of this.#changes.slice(start)) {
      const encoder = new BatchEncoder();
      const others = Array.from(
        { length: Math.max(0, sequence - Math.max(next, sequence - 2)) },
        () => ofOtherTable,
      );
      encoder.add({ firstSequence: sequence - others.length, timeMs, changes: [...others, change] });
      await log.append(encoder);
      next = sequence + 1;
    }
    const part = log.part(0, log.end);
    await log.close();
    return part;
  }
}

const ofOtherTable: Change = {
  ...changed(keys[0] ?? '', undefined, 'of another table'),
  table: tableNumber + 1,
};

async function loaded(plan: LoadPlan): Promise<Record<string, string>> {
  const items = new Map<string, string>();
  for await (const rows of loadedRows(plan)) {
    for (const { key, image: item } of rows) {
      if (item === undefined) items.delete(key);
      else items.set(key, item.json.toString());
    }
  }
  return Object.fromEntries(items);
}
