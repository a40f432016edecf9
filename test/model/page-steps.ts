import { attempt, Expectation, lastKey, type Outcome } from './outcome.ts';
import { UnknownPlace } from './page.ts';
import { printRequest } from './printer.ts';
import { backfilling, readOrder } from './read-order.ts';
import type { PageRequest } from './request.ts';
import type { Scene } from './scene.ts';
import type { Item } from './value.ts';
import type { Door } from './world.ts';

/** @param pagesMax how many pages at most. */
export async function walk(
  scene: Scene,
  request: PageRequest,
  style: number,
  pagesMax: number,
): Promise<void> {
  const refused = attempt(() => ({ isOrdered: scene.model.isOrdered(request) }));
  const isOrdered = 'error' in refused || refused.output.isOrdered === true;
  const isComplete = scene.model.indexInCreation(request.table)?.name !== request.index;
  scene.sent.push(printRequest(request, style));
  await scene.atEveryDoor(async (door) => {
    if ('error' in refused) return expectRefusal(door, request, style, refused, isComplete);
    if (isOrdered && isComplete) return walkAt(scene, door, request, style, pagesMax);
    const keys = await readOrder(door, request, scene.model);
    if (keys !== undefined) return walkAt(scene, door, request, style, pagesMax, keys);
    if (isComplete) throw new Error(`${door.name}: ${request.index} was complete, and is so no more`);
  });
}

async function walkAt(
  scene: Scene,
  door: Door,
  request: PageRequest,
  style: number,
  pagesMax: number,
  keys?: readonly Item[],
): Promise<void> {
  let { startKey } = request;
  for (let pages = 0; pages < pagesMax && (pages === 0 || startKey !== undefined); pages++) {
    const next = { ...request, startKey };
    const outcome = page(scene, next, keys);
    if (outcome === undefined) return;
    const wire = printRequest(next, style + pages);
    if (pages > 0 && door === scene.doors[0]) scene.sent.push(wire);
    new Expectation(outcome).check(await door.call(wire), door.name);
    startKey = lastKey(outcome);
  }
}

/** Undefined where the model cannot tell. */
function page(scene: Scene, request: PageRequest, keys: readonly Item[] | undefined): Outcome | undefined {
  try {
    return attempt(() => scene.model.page(request, keys));
  } catch (error) {
    if (error instanceof UnknownPlace) return undefined;
    throw error;
  }
}

async function expectRefusal(
  door: Door,
  request: PageRequest,
  style: number,
  refused: Outcome,
  isComplete: boolean,
): Promise<void> {
  const incomplete: Outcome = {
    error: {
      code: 'ValidationException',
      text: backfilling + request.index,
      item: undefined,
      reasons: undefined,
    },
  };
  const expected = new Expectation(refused, ...(isComplete ? [] : [incomplete]));
  expected.check(await door.call(printRequest(request, style)), door.name);
}
