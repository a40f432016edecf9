import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, outcomeOf, printOutcome } from './outcome.ts';
import type { WireRequest } from './printer.ts';
import type { Door } from './world.ts';

/** Asks again and again. @returns the last answer. @throws Error where that comes to nothing. */
export async function until(
  door: Door,
  request: WireRequest,
  isReached: (answer: Answer) => boolean,
): Promise<Answer> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const answer = await door.call(request);
    if (isReached(answer)) return answer;
    if (performance.now() > endMs) {
      const last = printOutcome(outcomeOf(answer));
      throw new Error(`${door.name} still answers to ${request.operation} after ${patienceMs} ms: ${last}`);
    }
    await delay(1);
  }
}

/** For what takes the store some milliseconds, also on a busy machine. */
const patienceMs = 20_000;
