import type { Position, StreamPositions } from './followed-table.ts';

/** Whose it is to follow a table: this process's, another one's, or nobody can tell at the moment. */
export type Claim = 'held' | 'other' | 'unknown';

/**
 * Which process of a fleet follows a table, and how far it has come. That two follow one table for a while does no
 * harm, as both deliver all that they read, so nothing here has to be exact. No method rejects.
 */
export interface Claims {
  /** How long a claim that was `held` holds by itself. */
  readonly claimMs: number;
  /**
   * Takes the table, or keeps it.
   * @param isSound whether everything that the stream has is being delivered: then the positions stay good.
   */
  claim(tableId: string, isSound: boolean): Promise<Claim>;
  release(tableId: string): Promise<void>;
  /** @returns undefined where there are none, or none that are recent enough to go on from. */
  positions(tableId: string): Promise<StreamPositions | undefined>;
  /** What was stored before counts no more. @param positions undefined: there are none to go on from. */
  store(tableId: string, positions: StreamPositions | undefined): Promise<void>;
  /** Called after the delivery. @returns false where nothing is stored of the table that could be kept up. */
  advance(tableId: string, shardId: string, position: Position): Promise<boolean>;
}

/** Of a process that is alone: every table is its own, and its caches do not outlive it, so nothing is stored. */
export class SoleClaims implements Claims {
  readonly claimMs = Infinity;

  async claim(): Promise<Claim> {
    return 'held';
  }

  async release(): Promise<void> {}

  async positions(): Promise<undefined> {}

  async store(): Promise<void> {}

  async advance(): Promise<boolean> {
    return true;
  }
}
