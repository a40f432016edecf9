/**
 * Where DynamoDB Local or dynalite answer otherwise than AWS, and the engine as AWS does. An answer is written as `OK`, or
 * as the code and the text of its error; the engine's without the envelope that AWS puts around the faults of a single
 * write. Results are never allowed to differ but where an entry says so.
 */
export interface KnownDifference {
  readonly peers: readonly string[];
  readonly operation?: RegExp;
  readonly ours: RegExp;
  readonly theirs: RegExp;
  /** What the requests up to the one that differs have to hold. */
  readonly input?: RegExp;
  /** A condition on results, where both have one. */
  readonly outputs?: (ours: Output, theirs: Output, input: Output) => boolean;
  /** What AWS does, and the page or the measurement that says so. */
  readonly why: string;
}

export type Output = Readonly<Record<string, unknown>>;

export const local = ['DynamoDB Local'];
export const dynalite = ['dynalite'];
export const both = [...local, ...dynalite];
