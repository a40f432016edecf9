import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Applier } from '../../engine/state/applier.ts';
import { stateKey, tablePrefix } from '../../engine/state/layout.ts';
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

function item(text: string): ItemJson {
  return new ItemJson(Buffer.from(JSON.stringify({ v: { S: text } })), text.length + 1);
}

function textOf(found: ItemJson | undefined): string | undefined {
  return found && (JSON.parse(found.json.toString()) as { v: { S: string } }).v.S;
}

const keyOf = (n: number) => stateKey(1, joinKey(`p${n % 7}`, String(n).padStart(3, '0')));

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
        this.applying = this.#apply();
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

  async #apply(): Promise<void> {
    const frozen = this.#overlay.freeze();
    await this.#store.apply(frozen, new Map([['position', '{}']]));
    this.#store.refresh();
    this.#overlay.release();
  }

  async #failToApply(): Promise<void> {
    this.#overlay.freeze();
    await new Promise((resolve) => setImmediate(resolve));
    this.#overlay.thaw();
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
