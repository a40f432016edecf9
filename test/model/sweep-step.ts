import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, attempt, Expectation } from './outcome.ts';
import { independentOf, placeOf } from './played-request.ts';
import { printRequest } from './printer.ts';
import { expiryName, type Request, storeEpoch, type WriteRequest } from './request.ts';
import type { Scene } from './scene.ts';
import { until } from './until.ts';
import type { Item } from './value.ts';
import { unannouncedTtlMs } from './world.ts';

/**
 * Expired items stay as long as TTL is off, so that until then nothing depends on when sweeps happen. Each write meets
 * the sweep before it or after it, and what it leaves may expire in its turn; as the doors may come to different
 * ends, these items are deleted at last.
 */
export async function sweep(
  scene: Scene,
  table: string,
  renewals: number,
  requests: readonly WriteRequest[],
  style: number,
): Promise<void> {
  const renewed = scene.model.expiredKeys(table).slice(0, renewals);
  const all = [...renewed.map((key) => renewal(table, key)), ...requests];
  const writes = independentOf(all).filter((write) => scene.isValid(placeOf(write)));
  await scene.call({ op: 'UpdateTimeToLive', table, isEnabled: true }, 0);
  await raceWithSweep(scene, writes, style);
  for (const { key } of writes.map(placeOf)) scene.model.table(table)?.delete(key);
  await untilSwept(scene, table);
  scene.stage.clock.pass(unannouncedTtlMs);
  await scene.call({ op: 'UpdateTimeToLive', table, isEnabled: false }, 0);
  for (const write of writes) await scene.call({ op: 'DeleteItem', ...placeOf(write) }, 0);
}

async function raceWithSweep(scene: Scene, writes: readonly WriteRequest[], style: number): Promise<void> {
  const races = writes.map((write) => ({ wire: scene.send(write, style), ...raceOutcomes(scene, write) }));
  await scene.atEveryDoor(async (door) => {
    const answers = races.map(async ({ wire, answer }, i) => {
      await delay(i);
      answer.check(await door.call(wire), door.name);
    });
    await Promise.all(answers);
    // What is gone does not come back.
    for (const { read, left } of races) {
      const last = await until(door, read, (answer) => isMissing(answer) || left.allows(answer));
      left.check(last, door.name);
    }
  });
}

/** What a write may answer and leave, whether the sweep comes before it or after it. */
function raceOutcomes(scene: Scene, write: WriteRequest) {
  const get: Request = { op: 'GetItem', ...placeOf(write), isConsistent: true };
  const branches = [false, true].map((isSweptBefore) => {
    const back = scene.model.remember();
    if (isSweptBefore) scene.model.swept(write.table);
    const answer = attempt(() => scene.model.call(write));
    scene.model.swept(write.table);
    const left = attempt(() => scene.model.call(get));
    back();
    return { answer, left };
  });
  return {
    read: printRequest(get, 0),
    answer: new Expectation(...branches.map(({ answer }) => answer)),
    left: new Expectation(...branches.map(({ left }) => left)),
  };
}

async function untilSwept(scene: Scene, table: string): Promise<void> {
  const reads = scene.model.expiredKeys(table).map((key) => {
    return printRequest({ op: 'GetItem', table, key, isConsistent: true }, 0);
  });
  await scene.atEveryDoor(async (door) => {
    for (const read of reads) await until(door, read, isMissing);
  });
  scene.model.swept(table);
}

/** An expired item that somebody still needs. */
function renewal(table: string, key: Item): WriteRequest {
  const later = { value: { N: String(storeEpoch + 10 * secondsOfYear) } };
  const set = [{ path: [expiryName] as const, value: later }];
  const update = { set, remove: [], add: [], delete: [] };
  return { op: 'UpdateItem', table, key, update, returnValues: 'ALL_NEW' };
}

const secondsOfYear = 365 * 24 * 3600;

function isMissing(answer: Answer): boolean {
  return 'json' in answer && answer.json === '{}';
}
