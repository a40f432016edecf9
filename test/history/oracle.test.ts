import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HistoryStage } from './history-stage.ts';
import { pastSequence } from './past-generator.ts';
import { PastPlayer } from './past-player.ts';

/** More, with HISTORY_RUNS=100; others, with HISTORY_SEED=random; one of them again, with the seed and the path that a failure names. */
const runs = Number(process.env.HISTORY_RUNS ?? 4);
const seed = seedOf(process.env.HISTORY_SEED ?? '20261124');
const path = process.env.HISTORY_PATH;

const limitMs = 60_000 + runs * 20_000;

test(`whatever comes back is what the model had at that moment (HISTORY_SEED=${seed})`, {
  timeout: limitMs + 60_000,
}, async () => {
  let compared = 0;
  const property = fc.asyncProperty(pastSequence(60, 140), async (sequence) => {
    const stage = await HistoryStage.open();
    const player = new PastPlayer(stage, sequence);
    try {
      await player.play();
      compared += player.compared;
    } finally {
      await stage.close();
      stage.remove();
    }
  });
  const details = await fc.check(property, {
    numRuns: runs,
    seed,
    interruptAfterTimeLimit: limitMs,
    markInterruptAsFailure: true,
    ...(path !== undefined && { path }),
  });
  if (details.failed) throw new Error(report(details));
  expect(compared).toBeGreaterThan(runs * 5);
});

function report<T>({ errorInstance, counterexamplePath }: fc.RunDetails<T>): string {
  const what = errorInstance instanceof Error ? errorInstance.message : `not over after ${limitMs} ms`;
  return `${what}\n\nto play it again: HISTORY_SEED=${seed} HISTORY_PATH=${counterexamplePath}`;
}

function seedOf(text: string): number {
  return text === 'random' ? Date.now() % 2 ** 31 : Number(text);
}
