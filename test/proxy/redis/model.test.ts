import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeMutants, describeScenarios } from '../exploration.ts';
import { explore, replay, walk } from '../explorer.ts';
import { type Mutant, mutants } from './model-mutants.ts';
import { type Rules, reader, realRules, type Scenario } from './model-scenario.ts';
import { World } from './model-world.ts';

const { item, other, batch, query, index } = reader;

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
  'an item, where replicas lag': { ...small, lags: true },
  'a query, where replicas lag': { ...small, readers: [query(0)], lags: true },
  'a batch that is written': {
    ...small,
    readers: [other(0)],
    writers: [],
    batchWriters: [1],
    partialBatches: 1,
  },
  'a batch that is read': { ...small, readers: [batch(0)] },
  'a table that is replaced': { ...small, writers: [], replacement: 1 },
  'a follower that is lost': { ...small, writers: [], writesAround: 1, followerLosses: 1 },
};

const readers = [0, 0, 1].flatMap((proxy) => [item(proxy), query(proxy), index(proxy)]);
const large: Scenario = { proxies: 2, readers, writers: [0, 1, 0] };
const batches: Scenario = {
  proxies: 2,
  readers: [0, 0, 1].flatMap((proxy) => [batch(proxy), other(proxy), query(proxy)]),
  writers: [0],
  batchWriters: [1, 0],
  partialBatches: 1,
};
/** What may happen to a fleet, once each. */
const everything = {
  writesAround: 1,
  timeouts: 1,
  lostSteps: 1,
  restarts: 'old',
  flushes: 1,
  evictions: 1,
  breaks: 1,
  crashes: 1,
} as const;

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
  'replicas that lag': { ...large, lags: true, writesAround: 1, evictions: 1 },
  'replicas that lag, lost steps and connections that break': {
    ...large,
    lags: true,
    lostSteps: 1,
    breaks: 1,
  },
  'several masters': { ...large, masters: 3 },
  'several masters, of which one is lost for a while': {
    ...large,
    masters: 3,
    lostSteps: 2,
    breaks: 1,
    restarts: 'old',
  },
  batches,
  'batches, time-outs and several masters': { ...batches, masters: 3, timeouts: 1, lostSteps: 1 },
  'a table that is replaced': { ...large, replacement: 1, timeouts: 1 },
  'a table that is replaced around all proxies': { ...large, replacement: 'around', crashes: 1 },
  'an index that is added': { ...large, index: 'added', crashes: 1, timeouts: 1 },
  'an index that is dropped': { ...large, index: 'dropped', crashes: 1 },
  'a follower that is lost': { ...large, writesAround: 3, followerLosses: 2, lostSteps: 1, breaks: 1 },
  'three proxies and everything that can happen': {
    proxies: 3,
    readers: [...readers, item(2), query(2), index(2)],
    writers: [0, 1, 2],
    ...everything,
  },
  'three proxies and three masters, where replicas lag, and everything that can happen': {
    proxies: 3,
    masters: 3,
    readers: [...readers, item(2), query(2), batch(1)],
    writers: [0, 1, 2],
    batchWriters: [1],
    lags: true,
    replacement: 0,
    followerLosses: 1,
    ...everything,
  },
};

/** Fixed, unless `COHERENCE_SEED` is another one, or `random`. */
const seed = process.env.COHERENCE_SEED ?? '20';
const seeded = seed === 'random' ? {} : { seed: Number(seed) };
const walksMax = Number(process.env.COHERENCE_WALKS ?? 200);
const choices = fc.array(fc.nat(), { maxLength: 300, size: 'max' });

describeScenarios('a fleet, in every order of events', scenarios, (scenario) =>
  explore(open(scenario, realRules), 100_000),
);

describe('a fleet, in many orders of events', () => {
  test.each(Object.entries(walks))(
    '%s',
    async (_name, scenario) => {
      const property = fc.asyncProperty(choices, async (chosen) => {
        expect(await walk(open(scenario, realRules), chosen)).toBeUndefined();
      });
      await fc.assert(property, { ...seeded, numRuns: walksMax, endOnFailure: true });
    },
    120_000,
  );
});

describeMutants('the exploration notices a missing rule', mutants, open, realRules, async (mutant) => {
  const undo = mutant.rules.patch?.();
  return firstViolation(mutant).finally(() => undo?.());
});

/** By walks, which find most of them at once, or else by trying every order. */
async function firstViolation({ scenario, rules, schedule }: Mutant): Promise<string> {
  const openMutant = open(scenario, rules);
  if (schedule !== undefined) {
    const problems = await replay(openMutant, schedule);
    return problems.length === 0 ? '' : `${problems}, after: ${schedule}`;
  }
  let violation = '';
  const property = fc.asyncProperty(choices, async (chosen) => {
    const found = await walk(openMutant, chosen);
    if (found !== undefined) violation = found;
    return found === undefined;
  });
  await fc.check(property, { seed: 20, numRuns: 2_000, endOnFailure: true });
  return violation === '' ? ((await explore(openMutant, 20_000)).violation ?? '') : violation;
}

function open(scenario: Scenario, rules: Rules): () => Promise<World> {
  return () => World.open(scenario, rules);
}
