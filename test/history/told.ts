import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from '../model/outcome.ts';
import type { Bounds } from './past.ts';

/** What a request came to that the model does not know. */
export type Told = { readonly output: Record<string, unknown> } | Extract<Answer, { error: unknown }>;

/** The output of a call that is not refused. @throws Error with the refusal */
export function outputOf(told: Told): Record<string, unknown> {
  if ('output' in told) return told.output;
  throw new Error(`refused: ${told.error.code}: ${told.error.text}`);
}

/** @throws Error unless it is refused so */
export function expectError(told: Told, code: string, text?: string): void {
  const error = 'error' in told ? told.error : undefined;
  if (error?.code === code && (text === undefined || error.text === text)) return;
  throw new Error(`expected ${code} ${text ?? ''}, got ${JSON.stringify(told)}`);
}

/** What AWS says of a moment outside of the window. */
export function outsideText(ms: number, { earliestMs, latestMs }: Bounds): string {
  const [moment, earliest, latest] = [ms, earliestMs, latestMs].map((one) =>
    new Date(one).toISOString().replace('.000Z', 'Z'),
  );
  return (
    `RestoreDateTime '${moment}' must be within EarliestRestorableDateTime '${earliest}' ` +
    `and LatestRestorableDateTime '${latest}'`
  );
}

/** @throws Error where that comes to nothing */
export async function until(isReached: () => Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await isReached())) {
    if (performance.now() > endMs) throw new Error(`${what} is not there after ${patienceMs} ms`);
    await delay(2);
  }
}

const patienceMs = 20_000;
