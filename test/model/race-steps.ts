import { spelledOut } from './key-generator.ts';
import { attempt, Expectation, type Outcome, outcomeOf, printOutcome } from './outcome.ts';
import { independentOf } from './played-request.ts';
import type { ItemRequest, Request, TransactWriteItems } from './request.ts';
import type { Scene } from './scene.ts';
import type { Item } from './value.ts';

export async function callTogether(
  scene: Scene,
  requests: readonly ItemRequest[],
  style: number,
): Promise<void> {
  const independent = independentOf(requests);
  for (const request of independent) scene.rememberKeys(request);
  const wires = independent.map((request) => scene.send(request, style));
  // A read may see what was there before a write that is on its way, or after it.
  const before = independent.map((request) => outcomes(scene, request, request.op === 'GetItem'));
  const written = independent.map((request) => outcomes(scene, request, request.op !== 'GetItem'));
  const after = independent.map((request) => outcomes(scene, request, request.op === 'GetItem'));
  const expected = independent.map((_, i) => {
    return new Expectation(...[before, written, after].flatMap((outcomes) => outcomes[i] ?? []));
  });
  await scene.atEveryDoor(async (door) => {
    const answers = await Promise.all(wires.map((wire) => door.call(wire)));
    for (const [i, answer] of answers.entries()) expected[i]?.check(answer, door.name);
  });
}

function outcomes(scene: Scene, request: ItemRequest, isWanted: boolean): Outcome[] {
  return isWanted ? [attempt(() => scene.model.call(request))] : [];
}

export async function count(scene: Scene, table: string, key: Item, times: number): Promise<void> {
  const add = [{ path: ['counter'] as const, value: { N: '1' } }];
  const update = { set: [], remove: [], add, delete: [] };
  const request: Request = { op: 'UpdateItem', table, key, update, returnValues: 'UPDATED_NEW' };
  scene.rememberKeys(request);
  const wire = scene.send(request, 1);
  const outcomes = Array.from({ length: times }, () => attempt(() => scene.model.call(request)));
  const expected = new Expectation(...outcomes);
  const distinct = new Set(outcomes.map(printOutcome)).size;
  await scene.atEveryDoor(async (door) => {
    const answers = await Promise.all(outcomes.map(() => door.call(wire)));
    for (const answer of answers) expected.check(answer, door.name);
    const counts = new Set(answers.map((answer) => printOutcome(outcomeOf(answer))));
    if (counts.size !== distinct) throw new Error(`${door.name} lost increments: it answered ${[...counts]}`);
  });
}

export async function transact(
  scene: Scene,
  table: string,
  keys: readonly Item[],
  times: number,
): Promise<void> {
  const distinct = [...new Map(keys.map((key) => [spelledOut(key), key])).values()];
  const write = increments(table, distinct);
  scene.rememberKeys(write);
  const read: Request = { op: 'TransactGetItems', gets: distinct.map((key) => ({ table, key })) };
  const [writeWire, readWire] = [scene.send(write, 1), scene.send(read, 1)];
  // What is read is what all of the first so many transactions have left, none in part.
  const states = [attempt(() => scene.model.call(read))];
  const outcomes = Array.from({ length: times }, () => {
    const outcome = attempt(() => scene.model.call(write));
    states.push(attempt(() => scene.model.call(read)));
    return outcome;
  });
  const [written, seen] = [new Expectation(...outcomes), new Expectation(...states)];
  await scene.atEveryDoor(async (door) => {
    const answers = outcomes.map(async () => {
      const answer = door.call(writeWire);
      seen.check(await door.call(readWire), door.name);
      written.check(await answer, door.name);
    });
    await Promise.all(answers);
  });
}

/** Whoever comes while the first is under way hears that it is, and later ones that it has happened. */
export async function race(scene: Scene, table: string, keys: readonly Item[], times: number): Promise<void> {
  const distinct = [...new Map(keys.map((key) => [spelledOut(key), key])).values()];
  const token = `${scene.prefix}race-${scene.sent.length}`;
  const write = { ...increments(table, distinct), token };
  scene.rememberKeys(write);
  const wire = scene.send(write, 0);
  const first = attempt(() => scene.model.call(write));
  const again = attempt(() => scene.model.call(write));
  const [done, repeated] = [new Expectation(first), new Expectation(again)];
  const any = new Expectation(first, again, inProgress);
  await scene.atEveryDoor(async (door) => {
    const answers = await Promise.all(Array.from({ length: times }, () => door.call(wire)));
    for (const answer of answers) any.check(answer, door.name);
    if (!answers.some((answer) => done.allows(answer))) throw new Error(`${door.name} let none win a race`);
    repeated.check(await door.call(wire), door.name);
  });
}

/** A transaction that counts in several items. */
function increments(table: string, keys: readonly Item[]): TransactWriteItems {
  const add = [{ path: ['counter'] as const, value: { N: '1' } }];
  const update = { set: [], remove: [], add, delete: [] };
  return {
    op: 'TransactWriteItems',
    actions: keys.map((key) => ({ op: 'UpdateItem' as const, table, key, update })),
  };
}

const inProgress: Outcome = {
  error: {
    code: 'TransactionInProgressException',
    text: undefined,
    item: undefined,
    reasons: undefined,
  },
};
