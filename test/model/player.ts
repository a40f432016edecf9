import type { Sequence, Step } from './generator.ts';
import { kill } from './kill-step.ts';
import { walk } from './page-steps.ts';
import { named } from './played-request.ts';
import { printRequest } from './printer.ts';
import { callTogether, count, race, transact } from './race-steps.ts';
import { Scene, type Stage } from './scene.ts';
import { sweep } from './sweep-step.ts';
import { changeIndex, createTable, deleteTable, hold, untilIndexes } from './table-steps.ts';

/** AWS: API_BatchGetItem. */
const batchKeysMax = 100;

let played = 0;

/**
 * Plays a sequence on the model and through every door, and compares all that they say.
 * @throws Error with the requests so far where one disagrees.
 */
export async function play(sequence: Sequence, stage: Stage): Promise<void> {
  const scene = new Scene(sequence.doors, stage, `m${played++}.`);
  try {
    await playAll(scene, sequence);
  } catch (error) {
    throw new Error(
      `${(error as Error).message}\n\nThe requests, the last one first:\n${scene.transcript()}`,
    );
  } finally {
    await leave(scene);
  }
}

async function playAll(scene: Scene, { schemas, steps }: Sequence): Promise<void> {
  for (const [table, schema] of Object.entries(schemas)) {
    await createTable(scene, { op: 'CreateTable', table: scene.prefix + table, schema });
  }
  for (const step of steps) await take(scene, step);
  for (const table of Object.keys(schemas)) await compareTable(scene, scene.prefix + table);
}

/** Deletes what was created; that nothing waits for it gives the store something to do meanwhile. */
async function leave(scene: Scene): Promise<void> {
  const requests = [...scene.tables].map((table) => printRequest({ op: 'DeleteTable', table }, 0));
  await Promise.all(requests.flatMap((request) => scene.doors.map((door) => door.call(request))));
}

async function take(scene: Scene, step: Step): Promise<void> {
  switch (step.do) {
    case 'call':
      return scene.call(named(step.request, scene.prefix), step.style);
    case 'page':
      return walk(scene, named(step.request, scene.prefix), step.style, 1);
    case 'walk':
      return walk(scene, named(step.request, scene.prefix), step.style, Number.POSITIVE_INFINITY);
    case 'together':
      return callTogether(
        scene,
        step.requests.map((request) => named(request, scene.prefix)),
        step.style,
      );
    case 'count':
      return count(scene, scene.prefix + step.table, step.key, step.times);
    case 'transact':
      return transact(scene, scene.prefix + step.table, step.keys, step.times);
    case 'race':
      return race(scene, scene.prefix + step.table, step.keys, step.times);
    case 'repeat':
      return repeat(scene, step.which, step.style);
    case 'index':
      return changeIndex(scene, {
        op: 'UpdateTable',
        table: scene.prefix + step.table,
        change: step.change,
      });
    case 'sweep':
      return sweep(
        scene,
        scene.prefix + step.table,
        step.renewals,
        step.requests.map((request) => named(request, scene.prefix)),
        step.style,
      );
    case 'hold':
      return hold(scene, scene.prefix + step.table, step.change, async () => {
        for (const one of step.meanwhile) await take(scene, one);
      });
    case 'recreate': {
      const table = scene.prefix + step.table;
      await untilIndexes(scene, table);
      await deleteTable(scene, table);
      return createTable(scene, { op: 'CreateTable', table, schema: step.schema });
    }
    case 'pass':
      return scene.stage.clock.pass(step.ms);
    case 'wait':
      return scene.stage.storeClock.pass(step.seconds * 1000);
    case 'restart':
      return scene.stage.restart();
    case 'kill':
      return kill(
        scene,
        step.requests.map((request) => named(request, scene.prefix)),
        step.answers,
        step.style,
      );
  }
}

async function repeat(scene: Scene, which: number, style: number): Promise<void> {
  const request = scene.tokened[which % scene.tokened.length];
  if (request !== undefined) await scene.call(request, style);
}

/** Every item that the sequence was about, read through the caches and around them, and the table's own counts. */
async function compareTable(scene: Scene, table: string): Promise<void> {
  await untilIndexes(scene, table);
  await scene.call({ op: 'DescribeTable', table }, 0);
  await walk(scene, { op: 'Scan', table, isConsistent: true }, 0, Number.POSITIVE_INFINITY);
  for (const { schema } of scene.model.table(table)?.indexes ?? []) {
    await walk(scene, { op: 'Scan', table, index: schema.name }, 0, Number.POSITIVE_INFINITY);
  }
  const keys = [...scene.keys.values()].filter((one) => one.table === table && scene.isValid(one));
  for (let from = 0; from < keys.length; from += batchKeysMax) {
    const batch = keys.slice(from, from + batchKeysMax).map(({ key }) => key);
    await scene.call({ op: 'BatchGetItem', tables: [{ table, keys: batch }], capacity: 'TOTAL' }, 0);
  }
}
