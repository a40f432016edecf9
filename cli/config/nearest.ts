/** Words are compared up to this many characters, so that hostile input costs no more than a long option does. */
const wordCharactersMax = 64;

/**
 * The candidate that takes the fewest edits (insert, delete, replace, ignoring case) to become `word`.
 * @returns undefined where even the best would replace more than a third of the longer word: no guess is better then.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: { candidate: string; edits: number } | undefined;
  for (const candidate of candidates) {
    const edits = editDistance(word.toLowerCase(), candidate.toLowerCase());
    const tolerated = Math.ceil(Math.max(word.length, candidate.length) / 3);
    if (edits <= tolerated && (best === undefined || edits < best.edits)) best = { candidate, edits };
  }
  return best?.candidate;
}

/** ` (did you mean X?)`, or nothing where no candidate comes near. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const guess = nearest(word, candidates);
  return guess === undefined ? '' : ` (did you mean ${guess}?)`;
}

/** One line for each key of a configuration file that is none of `known`. */
export function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  return keys.map((key) => `unknown key${didYouMean(key, known)}`).join('\n');
}

/** Levenshtein's distance, one row at a time. */
function editDistance(from: string, to: string): number {
  if (from.length > wordCharactersMax) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
