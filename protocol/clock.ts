/** Time, passed in wherever behaviour depends on it, so that tests drive it. */
export interface Clock {
  /** Milliseconds since 1970, as the wall clock has it; it may jump. */
  now(): number;
  /** Milliseconds from any start, never running backwards; for deadlines and ages. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
