import { withRange } from '../columns.ts';
import type { Spread } from '../histogram.ts';

/** What a ratio has to reach, or to stay within. */
export type Bound = { readonly least: number } | { readonly most: number };

/** Above the cells of `judged`. */
export const judgedHeader = ['target', 'verdict'];

/** The verdict goes by the median. @returns cells of a table: the ratio, what it should be, and the verdict. */
export function judged(ratio: Spread, bound: Bound): string[] {
  const isReached = 'least' in bound ? ratio.median >= bound.least : ratio.median <= bound.most;
  const target = 'least' in bound ? `at least ${bound.least}` : `at most ${bound.most}`;
  return [withRange(ratio, (value) => value.toFixed(2)), target, isReached ? 'reached' : 'missed'];
}

export function wholeRange(of: Spread): string {
  return withRange(of, (value) => Math.round(value).toLocaleString('en-US'));
}
