import * as fc from 'fast-check';
import { type SequenceOptions, sequence } from './generator.ts';
import { play } from './player.ts';
import type { Stage } from './scene.ts';

/** The same sequences every time, so that a change is judged by what it changes; `MODEL_SEED=random` explores others. */
export const seed = seedOf(process.env.MODEL_SEED ?? '20261124');

/** MODEL_PATH is fast-check's name for one sequence among those of a seed, shrunk or not; only that one is played. */
export const path = process.env.MODEL_PATH;

/**
 * Plays random sequences until one fails, and shrinks that.
 * @param command what comes behind `vitest run` to run the test that calls, with its quotes.
 * @param limitMs after which shrinking ends with what it has; short of the test's own limit, which would tell nothing.
 * @throws Error with what disagreed, the requests that led to it, and the command that plays them again.
 */
export async function campaign(
  stage: Stage,
  options: SequenceOptions,
  {
    runs,
    seed: ownSeed,
    command,
    limitMs,
  }: { readonly runs: number; readonly seed: number; readonly command: string; readonly limitMs: number },
): Promise<void> {
  const property = fc.asyncProperty(sequence(options), (one) => play(one, stage));
  const details = await fc.check(property, {
    numRuns: runs,
    seed: ownSeed,
    interruptAfterTimeLimit: limitMs,
    markInterruptAsFailure: true,
    ...(path !== undefined && { path }),
  });
  if (!details.failed) return;
  const { numRuns, numShrinks, counterexamplePath, errorInstance } = details;
  const report = [
    errorInstance instanceof Error ? errorInstance.message : `not over after ${limitMs} ms`,
    `After ${numRuns} sequences and ${numShrinks} steps of shrinking; to play this one again:`,
    `MODEL_SEED=${ownSeed} MODEL_PATH=${counterexamplePath} npx vitest run ${command}`,
  ];
  throw new Error(report.join('\n\n'));
}

function seedOf(text: string): number {
  return text === 'random' ? Date.now() % 2 ** 31 : Number(text);
}
