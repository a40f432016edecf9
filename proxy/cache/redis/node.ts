/**
 * What the shared cache needs of Redis, so that it can be tested against one that is simulated: masters that run
 * scripts and announce names.
 */

/** One master. */
export interface RedisNode {
  /** Its address, for the log. */
  readonly name: string;
  /**
   * The process that is connected, since it was last made a master: another one, or the same one after it was a replica,
   * may have come back with an older state (Redis: INFO, `run_id`, `master_replid2`). Undefined while there is no
   * connection, or while its announcements cannot be relied on; then `run` rejects at once.
   */
  readonly runId: string | undefined;
  /**
   * Until when its announcements count as heard, by the monotonic clock: some seconds after the last heartbeat was sent
   * that has been announced. That of a process that was suspended lies in the past until it has heard what waits for it.
   */
  readonly provenUntilMs: number;
  /**
   * Runs a script, or one of the plain commands, of which all keys lie in one slot. Sent once, never again: a rejected
   * run may have happened, may happen within the time that a packet lives, or never.
   * @throws Error with the deadline, the lost connection, or the answer of Redis.
   */
  run(step: Step, keys: readonly string[], args: readonly (string | Buffer | number)[]): Promise<unknown>;
}

/** A script; what it answers comes as Buffers, numbers, null, and arrays of them. */
export interface Step {
  readonly name: string;
  readonly lua: string;
  /** Without a last one that may be left out. */
  readonly keyCount: number;
  /** It changes nothing: what did not come back is not owed. */
  readonly readOnly: boolean;
}

/** All masters: one, or those of a cluster. */
export interface RedisNodes {
  /** The master that has the name by its hash tag; undefined while nobody does. */
  nodeOf(name: string): RedisNode | undefined;
  all(): readonly RedisNode[];
  close(): Promise<void>;
}

/** What the nodes tell, each in the turn in which they learn of it. */
export interface RedisEvents {
  /** It can be used from now on: connected, `runId` known, its announcements proven to arrive. */
  up(node: RedisNode): void;
  /** It cannot be used any more, or has been another process meanwhile; announcements may have been lost. */
  down(node: RedisNode): void;
  /** These names under the tracked prefix were written, deleted, expired or evicted; undefined: all that it had. */
  touched(node: RedisNode, names: readonly string[] | undefined): void;
}
