/**
 * Tells a proxy in front how many milliseconds eventually consistent reads may be behind the acknowledgements. It is
 * ours, not AWS's, and is sent only where there is a lag.
 */
export const lagHeader = 'x-slipstream-replica-lag-ms';

/** The header line of a lag, put together when the lag changes and not for each answer. */
export class LagLine {
  #lagMs = 0;
  #line = '';

  /** @returns nothing for a backend without a lag. */
  of(lagMs = 0): string {
    if (lagMs !== this.#lagMs) {
      this.#lagMs = lagMs;
      this.#line = lagMs > 0 ? `${lagHeader}: ${Math.ceil(lagMs)}\r\n` : '';
    }
    return this.#line;
  }
}
