import type { Clock } from '../../protocol/clock.ts';
import { isLocalTrusted, type SharedCache } from './shared.ts';

/** What reads of items and of pages have in common where a fleet shares its cache. */
export class SharedReads {
  protected readonly shared: SharedCache;
  readonly #clock: Clock;

  constructor(shared: SharedCache, clock: Clock) {
    this.shared = shared;
    this.#clock = clock;
  }

  /** Whether what this proxy itself has may be served. */
  get isLocalTrusted(): boolean {
    return isLocalTrusted(this.shared, this.#clock);
  }
}
