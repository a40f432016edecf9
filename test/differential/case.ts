import type { Call } from './peer.ts';

/**
 * Calls whose answers are compared one after the other, up to the first that differ. Every case has items of its own, so
 * that what one server keeps and another does not cannot show in later cases.
 */
export type Case = readonly Step[];

export interface Step extends Call {
  /** All pages are asked for, and their items compared together: where they end is not always defined. */
  readonly isWalk?: boolean;
  /** The step before something was changed in it to make it wrong. */
  readonly sounder?: Step;
}

export function step(operation: string, input: object): Step {
  return { operation, input: input as Record<string, unknown> };
}

export function walk(operation: 'Query' | 'Scan', input: object): Step {
  return { ...step(operation, input), isWalk: true };
}
