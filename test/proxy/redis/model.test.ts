import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explore, replay, walk } from './model-explorer.ts';
import { type Mutant, mutants } from './model-mutants.ts';
import { type ReaderPlan, realRules, type Scenario } from './model-world.ts';

const item = (proxy: number): ReaderPlan => ({ proxy, kind: 'item' });
const query = (proxy: number): ReaderPlan => ({ proxy, kind: 'query' });
const index = (proxy: number): ReaderPlan => ({ proxy, kind: 'index' });

/** A reader, and a writer through another proxy. */
const small: Scenario = { proxies: 2, readers: [item(0)], writers: [1], doesAtOnce: true };

/** All of which every order is tried. */
const scenarios: Record<string, Scenario> = {
  'an item': small,
  'an item, read where it is written': { ...small, readers: [item(1)] },
  'a query': { ...small, readers: [query(0)] },
  'a query of an index': { ...small, readers: [index(0)] },
  'an item and a time-out': { ...small, timeouts: 1 },
  'a query and a time-out': { ...small, readers: [query(0)], timeouts: 1 },
};

const readers = [0, 0, 1].flatMap((proxy) => [item(proxy), query(proxy), index(proxy)]);
const large: Scenario = { proxies: 2, readers, writers: [0, 1, 0] };

/** Too large to try every order. */
const walks: Record<string, Scenario> = {
  'readers and writers': large,
  'a write around': { ...large, writesAround: 1 },
  'time-outs': { ...large, timeouts: 2 },
  'lost steps': { ...large, lostSteps: 2 },
  'Redis restarts empty': { ...large, restarts: 'empty' },
  'Redis restarts with the past': { ...large, restarts: 'old' },
  'Redis is emptied and short of room': { ...large, flushes: 1, evictions: 2 },
  'connections break': { ...large, breaks: 2 },
  'a proxy is killed': { ...large, crashes: 1 },
  'three proxies and everything that can happen': {
    proxies: 3,
    readers: [...readers, item(2), query(2), index(2)],
    writers: [0, 1, 2],
    writesAround: 1,
    timeouts: 1,
    lostSteps: 1,
    restarts: 'old',
    flushes: 1,
    evictions: 1,
    breaks: 1,
    crashes: 1,
  },
};

/** Fixed, unless `COHERENCE_SEED` is another one, or `random`. */
const seed = process.env.COHERENCE_SEED ?? '20';
const seeded = seed === 'random' ? {} : { seed: Number(seed) };
const walksMax = Number(process.env.COHERENCE_WALKS ?? 300);
const choices = fc.array(fc.nat(), { maxLength: 300, size: 'max' });

describe('a fleet, in every order of events', () => {
  test.each(Object.entries(scenarios))(
    '%s',
    async (_name, scenario) => {
      const { states, isComplete, violation } = await explore(scenario, realRules, 100_000);
      expect(violation).toBeUndefined();
      expect(isComplete).toBe(true);
      expect(states).toBeGreaterThan(100);
    },
    120_000,
  );
});

describe('a fleet, in many orders of events', () => {
  test.each(Object.entries(walks))(
    '%s',
    async (_name, scenario) => {
      const property = fc.asyncProperty(choices, async (chosen) => {
        expect(await walk(scenario, realRules, chosen)).toBeUndefined();
      });
      await fc.assert(property, { ...seeded, numRuns: walksMax, endOnFailure: true });
    },
    120_000,
  );
});

describe('the exploration notices a missing rule', () => {
  test.each(mutants)(
    '$without',
    async (mutant) => {
      const undo = mutant.rules.patch?.();
      const violation = await firstViolation(mutant).finally(() => undo?.());
      expect(violation).not.toMatch(/^(, after|$)/);
      const schedule = violation.slice(violation.indexOf(after) + after.length);
      expect(await replay(mutant.scenario, realRules, schedule)).toEqual([]);
    },
    60_000,
  );
});

const after = ', after: ';

/** By walks, which find most of them at once, or else by trying every order. */
async function firstViolation({ scenario, rules, schedule }: Mutant): Promise<string> {
  if (schedule !== undefined) return `${await replay(scenario, rules, schedule)}${after}${schedule}`;
  let violation = '';
  const property = fc.asyncProperty(choices, async (chosen) => {
    const found = await walk(scenario, rules, chosen);
    if (found !== undefined) violation = found;
    return found === undefined;
  });
  await fc.check(property, { seed: 20, numRuns: 2_000, endOnFailure: true });
  return violation === '' ? ((await explore(scenario, rules, 20_000)).violation ?? '') : violation;
}
