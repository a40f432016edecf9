import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Applier } from '../../engine/state/applier.ts';
import { FoundItem } from '../../engine/state/found-item.ts';
import { globalIndexKey, indexEntry } from '../../engine/state/index-layout.ts';
import { type StateKey, stateKey, tablePrefix } from '../../engine/state/layout.ts';
import { Overlay } from '../../engine/state/overlay.ts';
import { State } from '../../engine/state/state.ts';
import { Store } from '../../engine/state/store.ts';
import { WriteTurns } from '../../engine/state/write-turns.ts';
import { joinKey } from '../../protocol/key.ts';
import { ItemJson } from '../../protocol/reply.ts';
import { silentLogger } from '../silent-logger.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-state-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** That items differ in size is not what tells them apart. */
const sizeOfAll = 5;

function item(text: string): ItemJson {
  return new ItemJson(Buffer.from(JSON.stringify({ v: { S: text } })), sizeOfAll);
}

function textOf(found: ItemJson | undefined): string | undefined {
  return found && (JSON.parse(found.json.toString()) as { v: { S: string } }).v.S;
}

const keyOf = (n: number) => stateKey(1, joinKey(`p${n % 7}`, String(n).padStart(3, '0')));

/** In a global index. */
function entryOf(key: StateKey, size: number): FoundItem {
  const entry = globalIndexKey(2, { partition: ['x'], sort: [] }, key);
  return FoundItem.inMemory(entry, indexEntry(key, size, undefined));
}

type Step =
  | { kind: 'put' | 'delete'; n: number }
  | { kind: 'apply' | 'failed apply' }
  | { kind: 'check'; a: number; b: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), n: fc.nat(200) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), n: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'apply' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'failed apply' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('check' as const), a: fc.nat(200), b: fc.nat(200) }),
  },
);

describe('State', () => {
  test('overlay over LMDB reads like one sorted map, also while a batch is being applied', async () => {
    const store = Store.open(directory, { readOnly: false });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const world = new World(store);
        await world.clear();
        for (const [i, one] of steps.entries()) await world.run(one, i);
        await world.applying;
        world.check(tablePrefix(1), tablePrefix(2));
      }),
      { numRuns: 40 },
    );
    await store.close();
  });

  test('what entries of an index lead to is what was committed last, however often it is read', async () => {
    const store = Store.open(directory, { readOnly: false });
    const step = fc.constantFrom(
      'put' as const,
      'delete' as const,
      'apply' as const,
      'failed apply' as const,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.nat(2)), { minLength: 30 }), async (steps) => {
        const world = new World(store);
        await world.clear();
        for (const [i, [kind, n]] of steps.entries()) {
          await world.run({ kind, n }, i);
          world.follow(n);
          await new Promise((resolve) => setImmediate(resolve));
          world.follow(n);
        }
        await world.applying;
        for (const n of [0, 1, 2]) world.follow(n);
      }),
      { numRuns: 20 },
    );
    await store.close();
  });

  test('entries lead readers that lag to what was there then', async () => {
    const store = Store.open(directory, { readOnly: false });
    let nowMs = 0;
    const lag = { lagMs: 10, clock: { now: () => nowMs, monotonic: () => nowMs } };
    const overlay = new Overlay();
    overlay.keepReplaced(lag);
    const state = new State(overlay, store, lag);
    const entry = entryOf(keyOf(1), sizeOfAll);
    const seen = () => {
      for (const _ of ['once', 'twice']) for (const view of [state, state.lagging()]) view.follow(entry);
      return [state, state.lagging()].map((view) => textOf(view.follow(entry)?.take()));
    };
    for (const [text, before] of [['first'], ['second', 'first'], ['third', 'second']]) {
      nowMs += 1;
      overlay.beginCommit();
      overlay.set(keyOf(1), { item: item(text as string) });
      expect(seen()).toEqual([text, before]);
      nowMs += 10;
      expect(seen()).toEqual([text, text]);
      await applyAll(overlay, store);
      expect(seen()).toEqual([text, text]);
    }
    await store.close();
  });

  test('drops of tables remove their items and no others', async () => {
    const store = Store.open(directory, { readOnly: false });
    const overlay = new Overlay();
    const droppedTables = new Set([1]);
    for (let n = 0; n < 12_000; n++) overlay.set(stateKey(1, joinKey(`p${n}`, '')), { item: item('x') });
    for (const table of [0, 2]) overlay.set(stateKey(table, joinKey('p', '')), { item: item('kept') });
    const applier = new Applier({
      store,
      overlay,
      droppedTables,
      log: silentLogger,
      applyBytes: 1,
      syncLog: async () => {},
      collectMeta: () => new Map([['dropped:1', '1']]),
      lag: undefined,
      turns: new WriteTurns(),
      onFailed: () => {},
      onApplied: () => {},
    });
    while (droppedTables.size > 0) await applier.flush();
    await applier.close();
    const state = new State(overlay, store);
    expect(overlay.isEmpty).toBe(true);
    expect([...state.range(tablePrefix(0), tablePrefix(9), false)].map(([, found]) => textOf(found))).toEqual(
      ['kept', 'kept'],
    );
    expect(droppedTables.size).toBe(0);
    expect([...store.metaRows('dropped:')]).toEqual([]);
    await store.close();
  });
});

/** As the applier does it. */
async function applyAll(overlay: Overlay, store: Store): Promise<void> {
  const frozen = overlay.freeze();
  await store.apply(frozen, new Map([['position', '{}']]));
  store.refresh();
  overlay.release();
}

/** A state and a plain map that get the same steps. */
class World {
  readonly #store: Store;
  readonly #overlay = new Overlay();
  readonly #state: State;
  readonly #model = new Map<string, string>();
  applying: Promise<void> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
    this.#state = new State(this.#overlay, store);
  }

  async clear(): Promise<void> {
    const keys = this.#store.keys(tablePrefix(0), tablePrefix(9), 100_000);
    await this.#store.apply(
      keys.map((key) => [key, { item: undefined }] as const),
      new Map(),
    );
    this.#store.refresh();
  }

  async run(one: Step, i: number): Promise<void> {
    switch (one.kind) {
      case 'put':
        this.#overlay.set(keyOf(one.n), { item: item(String(i)) });
        this.#model.set(keyOf(one.n), String(i));
        break;
      case 'delete':
        this.#overlay.set(keyOf(one.n), { item: undefined });
        this.#model.delete(keyOf(one.n));
        break;
      case 'apply':
        await this.applying;
        this.applying = applyAll(this.#overlay, this.#store);
        break;
      case 'failed apply':
        await this.applying;
        this.applying = this.#failToApply();
        break;
      case 'check':
        this.check(keyOf(one.a), keyOf(one.b));
        expect(textOf(this.#state.get(keyOf(one.a)))).toBe(this.#model.get(keyOf(one.a)));
        await Promise.resolve();
    }
  }

  async #failToApply(): Promise<void> {
    this.#overlay.freeze();
    await new Promise((resolve) => setImmediate(resolve));
    this.#overlay.thaw();
  }

  /** What is read for the second time stays in memory. */
  follow(n: number): void {
    const text = this.#model.get(keyOf(n));
    const entry = entryOf(keyOf(n), sizeOfAll);
    for (const _ of ['once', 'twice', 'out of memory']) {
      expect(textOf(this.#state.follow(entry)?.take())).toBe(text);
    }
  }

  check(start: string, end: string): void {
    const expected = [...this.#model]
      .filter(([key]) => key >= start && key < end)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    for (const reverse of [false, true]) {
      const found = [...this.#state.range(start, end, reverse)].map(([key, found]) => [key, textOf(found)]);
      expect(found).toEqual(reverse ? expected.toReversed() : expected);
    }
  }
}
