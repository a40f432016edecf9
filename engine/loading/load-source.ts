import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { LoadedRow, LoadPlan } from '../history/load-plan.ts';
import { feedRows } from './row-feed.ts';

/** What a table is loaded from, once. */
export interface LoadSource {
  readonly rows: RowSource;
  /** How many items there will be, where that is known; for those who watch. */
  readonly itemsTotal?: number;
  /** Called once, when the first row is about to be asked for: others may be loaded before. */
  begin?(): void;
  /** Called once, when no row is asked for any more. */
  release(outcome: LoadOutcome): void;
}

/**
 * A plan is read by the loading thread itself. Through a port it gets rows from another thread, which has the other end of the
 * channel and calls `feedRows`; the port is given away.
 */
export type RowSource = { readonly plan: LoadPlan } | { readonly port: MessagePort };

/** `stopped`: the engine closes; the next start loads the table anew. Where it failed, the table is gone. */
export type LoadOutcome = 'loaded' | 'stopped' | { readonly failed: unknown };

/** A source of rows that this very thread has. @param rows in batches of a megabyte or so. */
export function fedSource(
  rows: AsyncIterable<readonly LoadedRow[]>,
  release: (outcome: LoadOutcome) => void,
): LoadSource {
  const { port1, port2 } = new MessageChannel();
  void feedRows(port1, rows);
  return { rows: { port: port2 }, release };
}
