import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HistoryEngine } from './history-harness.ts';

/* Whatever happens to an engine, every second that is restorable comes back as the model has it. */

/** More, with HISTORY_RUNS=60. */
const runs = Number(process.env.HISTORY_RUNS ?? 3);

const tables = ['Alpha', 'Beta', 'Gamma'];

type Step =
  | { readonly do: 'write'; readonly table: string; readonly keys: readonly number[]; readonly bytes: number }
  | { readonly do: 'delete'; readonly table: string; readonly key: number }
  | { readonly do: 'switch'; readonly table: string; readonly on: boolean; readonly days: number }
  | { readonly do: 'recreate'; readonly table: string }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'check' | 'wake' | 'flush' | 'reopen' | 'kill' };

const table = fc.constantFrom(...tables);
const key = fc.nat(9);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      table,
      keys: fc.array(key, { minLength: 1, maxLength: 5 }),
      bytes: fc.nat(900),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), table, key }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('switch' as const),
      table,
      on: fc.constantFrom(true, true, false),
      days: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('recreate' as const), table }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(1500) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.integer({ min: 3_600_000, max: 36 * 3_600_000 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'wake' as const,
        'wake' as const,
        'flush' as const,
        'flush' as const,
        'check' as const,
        'reopen' as const,
        'kill' as const,
      ),
    }),
  },
);

class Run {
  engine: HistoryEngine;
  #written = 0;

  constructor(engine: HistoryEngine) {
    this.engine = engine;
  }

  async take(next: Step): Promise<void> {
    const { engine } = this;
    if (next.do === 'write') await this.#write(next.table, next.keys, next.bytes);
    else if (next.do === 'delete') await engine.delete(next.table, `${next.key}`);
    else if (next.do === 'switch' && next.on) await engine.enable(next.table, next.days);
    else if (next.do === 'switch') await engine.disable(next.table);
    else if (next.do === 'recreate') await this.#recreate(next.table);
    else if (next.do === 'pass') engine.advance(next.ms);
    else if (next.do === 'check') await this.check();
    else if (next.do === 'wake') await engine.histories.wake();
    else if (next.do === 'flush') await engine.flush();
    else if (next.do === 'reopen') this.engine = await engine.reopen();
    else this.engine = await engine.killed();
  }

  /** Every second near the ends of the window, near where something happened, and some in between. */
  async check(): Promise<void> {
    for (const name of tables) {
      const restorable = this.engine.histories.restorable(this.engine.definition(name), this.engine.nowMs);
      if (restorable === undefined) continue;
      const { earliestMs, latestMs } = restorable;
      for (const second of this.engine.model.seconds(name, earliestMs, latestMs)) {
        const endMs = second + 999;
        if (endMs > this.engine.nowMs) this.engine.advance(endMs + 1 - this.engine.nowMs);
        expect(await this.engine.restored(name, endMs)).toEqual(this.engine.model.at(name, endMs));
      }
    }
  }

  async #write(name: string, keys: readonly number[], bytes: number): Promise<void> {
    const different = [...new Set(keys)];
    await Promise.all(
      different.map((p) => this.engine.put(name, `${p}`, `${this.#written++} ${'x'.repeat(bytes)}`)),
    );
  }

  async #recreate(name: string): Promise<void> {
    await this.engine.deleteTable(name);
    await this.engine.createTable(name);
  }
}

test('every restorable second equals the model, over switches, trims, restarts and kills', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
      const run = new Run(await HistoryEngine.open({ pitrBaseBytesMin: 3000 }));
      try {
        for (const name of tables) await run.engine.createTable(name);
        await run.engine.enable('Alpha', 2);
        for (const next of steps) await run.take(next);
        await run.check();
      } finally {
        await run.engine.remove();
      }
    }),
    { numRuns: runs },
  );
}, 600_000);
