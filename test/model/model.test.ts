import { afterAll, describe, test } from 'vitest';
import { campaign, path, seed } from './campaign.ts';
import { attributeNames } from './document-generator.ts';
import { doorNames, World } from './world.ts';

/** MODEL_RUNS sequences, where it is set, instead of the usual number. */
const runs = Number(process.env.MODEL_RUNS ?? 2_000);
/** Sequences played at once, on tables of their own: they share the syncs of the log. */
const lanes = path === undefined ? 8 : 1;
const timeout = 60_000 + runs * 100;
const limitMs = timeout - 30_000;
const everyDoor = { names: attributeNames, doors: doorNames };

const open: World[] = [];
afterAll(async () => {
  for (const world of open) await world.close();
});

describe(`the engine, direct and through the cache, agrees with the model (MODEL_SEED=${seed})`, () => {
  test('in short sequences, many at once', { timeout }, async () => {
    const world = await openWorld();
    const options = { stepsMin: 1, stepsMax: 36, store: 'shared' as const, ...everyDoor };
    const command = 'test/model/model.test.ts -t "in short sequences"';
    const campaigns = Array.from({ length: lanes }, (_, lane) => {
      return campaign(world, options, { runs: Math.ceil(runs / lanes), seed: seed + lane, command, limitMs });
    });
    // All have to end before the store may be closed.
    for (const one of await Promise.allSettled(campaigns)) if (one.status === 'rejected') throw one.reason;
  });

  test('over restarts of the store', { timeout }, async () => {
    const world = await openWorld();
    const options = { stepsMin: 1, stepsMax: 40, store: 'own' as const, ...everyDoor };
    const command = 'test/model/model.test.ts -t "over restarts"';
    await campaign(world, options, { runs: Math.ceil(runs / 10), seed, command, limitMs });
  });
});

async function openWorld(): Promise<World> {
  const world = await World.open();
  open.push(world);
  return world;
}
