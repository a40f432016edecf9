/** One whose replies wait to be taken by its client. */
export interface ReplyHolder {
  /** Lets go of the replies at once. */
  destroy(): void;
}

/**
 * Reply bytes that wait for slow readers, over all connections: never more than `bytesMax` once `hold` has returned.
 * Beyond it those lose their replies whose clients have kept some waiting longest: to refuse the newest instead would
 * let a few clients that never read shut out everybody else.
 */
export class ReplyMemory {
  readonly #bytesMax: number;
  /** In the order in which they began to hold. */
  readonly #holders = new Map<ReplyHolder, number>();
  #bytes = 0;
  #dropped = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** @param bytes all that waits for this holder's client now; 0 where nothing does any more. */
  hold(holder: ReplyHolder, bytes: number): void {
    this.#bytes += bytes - (this.#holders.get(holder) ?? 0);
    if (bytes === 0) this.#holders.delete(holder);
    else this.#holders.set(holder, bytes);
    while (this.#bytes > this.#bytesMax) this.#dropOldest();
  }

  /** Holders dropped since this was last asked. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #dropOldest(): void {
    for (const [holder, bytes] of this.#holders) {
      this.#holders.delete(holder);
      this.#bytes -= bytes;
      this.#dropped++;
      holder.destroy();
      return;
    }
  }
}
