import type { Clock } from '../../protocol/clock.ts';

/** Time and chance, so that tests drive them. */
export interface InspectorWorld {
  readonly clock: Clock;
  sleep(ms: number): Promise<void>;
  /** From 0 to below 1. */
  random(): number;
}
