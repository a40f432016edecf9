import type { Step } from './generator.ts';
import type { Answer } from './outcome.ts';
import { printRequest } from './printer.ts';
import type { PageRequest, Request } from './request.ts';
import type { Scene } from './scene.ts';
import { until } from './until.ts';

export async function createTable(
  scene: Scene,
  request: Extract<Request, { op: 'CreateTable' }>,
): Promise<void> {
  await scene.call(request, 0);
  scene.tables.add(request.table);
  await untilTable(scene, request.table, isActive);
}

export async function deleteTable(scene: Scene, table: string): Promise<void> {
  await scene.call({ op: 'DeleteTable', table }, 0);
  scene.tables.delete(table);
  await untilTable(scene, table, (answer) => 'error' in answer);
}

export async function changeIndex(
  scene: Scene,
  request: Extract<Request, { op: 'UpdateTable' }>,
): Promise<void> {
  const { table, change } = request;
  // Whether an index that is being filled may go, or another one come, is a matter of time.
  const filling = scene.model.indexInCreation(table)?.name;
  if (!('remove' in change && change.remove === filling)) await untilIndexes(scene, table);
  await scene.call(request, 0);
}

/** Where changes of tables take time, they are over after a restart without that. */
export async function hold(
  scene: Scene,
  table: string,
  change: Extract<Step, { do: 'hold' }>['change'],
  meanwhile: () => Promise<void>,
): Promise<void> {
  await untilIndexes(scene, table);
  if ('create' in change) {
    await callHeld(scene, { op: 'UpdateTable', table, change }, meanwhile);
  } else {
    await callHeld(scene, { op: 'DeleteTable', table }, meanwhile);
    await untilTable(scene, table, (answer) => 'error' in answer);
    await callHeld(scene, { op: 'CreateTable', table, schema: change.schema }, meanwhile);
  }
  await untilTable(scene, table, isActive);
}

async function callHeld(
  scene: Scene,
  request: Exclude<Request, PageRequest>,
  meanwhile: () => Promise<void>,
): Promise<void> {
  await scene.stage.restart(heldMs);
  scene.model.isHeld = true;
  try {
    await scene.call(request, 0);
    await meanwhile();
  } finally {
    await scene.stage.restart();
    scene.model.release();
  }
}

/** Waits until the indexes of a table are complete everywhere. */
export async function untilIndexes(scene: Scene, table: string): Promise<void> {
  if (scene.model.indexInCreation(table) === undefined) return;
  await untilTable(scene, table, (answer) => 'json' in answer && !answer.json.includes('"CREATING"'));
  scene.model.indexesCompleted(table);
}

async function untilTable(
  scene: Scene,
  table: string,
  isReached: (answer: Answer) => boolean,
): Promise<void> {
  const request = printRequest({ op: 'DescribeTable', table }, 0);
  await scene.atEveryDoor(async (door) => {
    await until(door, request, isReached);
  });
}

/** Longer than any test. */
const heldMs = 600_000;

function isActive(answer: Answer): boolean {
  return 'json' in answer && answer.json.includes('"TableStatus":"ACTIVE"');
}
