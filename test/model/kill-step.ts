import { setTimeout as delay } from 'node:timers/promises';
import type { CrashRequest } from './generator.ts';
import { type Answer, attempt, Expectation } from './outcome.ts';
import { independentOf, placesOf } from './played-request.ts';
import type { Scene } from './scene.ts';

/**
 * What was answered has happened; what was not has, or has not, and a transaction not in part. Only one door can be
 * played at, as at another the store may have got less far.
 */
export async function kill(
  scene: Scene,
  requests: readonly CrashRequest[],
  answersMax: number,
  style: number,
): Promise<void> {
  const [door] = scene.doors;
  if (door === undefined) return;
  const independent = independentOf(requests);
  for (const request of independent) scene.rememberKeys(request);
  const calls = independent.map((request) => door.call(scene.send(request, style)));
  const answers = calls.map((call) => call.catch(() => undefined));
  await someOf(calls, answersMax);
  await scene.stage.restart();
  for (const [i, request] of independent.entries()) await settle(scene, request, await answers[i]);
}

/** Brings the model to what has become of a request that was, perhaps, not answered. */
async function settle(scene: Scene, request: CrashRequest, answer: Answer | undefined): Promise<void> {
  const back = scene.model.remember();
  const expected = new Expectation(attempt(() => scene.model.call(request)));
  if (answer !== undefined) return expected.check(answer, 'before it was killed, the store');
  const problem = await disagreement(scene, request);
  if (problem === undefined) return;
  back();
  if ((await disagreement(scene, request)) !== undefined) throw problem;
}

/** Whether one of the items that a request writes is not what the model has. */
async function disagreement(scene: Scene, request: CrashRequest): Promise<unknown> {
  const places = placesOf(request).filter((place) => scene.isValid(place));
  try {
    for (const place of places) await scene.call({ op: 'GetItem', ...place, isConsistent: true }, 0);
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Resolves when so many of them have, or one has failed. */
async function someOf(calls: readonly Promise<unknown>[], count: number): Promise<void> {
  const wanted = Math.min(count, calls.length);
  if (wanted === 0) return delay(0);
  let resolved = 0;
  await new Promise<void>((resolve) => {
    for (const call of calls) {
      call.then(() => {
        resolved++;
        if (resolved === wanted) resolve();
      }, resolve);
    }
  });
}
