/**
 * A set of strings kept in order: the keys of the overlay, so that a range of it can be merged with a range of LMDB.
 *
 *     leaves   [ a c f ] [ h k m n ] [ p ]      each sorted, never empty, at most `leafKeysMax` long
 *
 * A key is found by one binary search over the leaves' last keys and one inside the leaf; inserting moves at most one
 * leaf's keys. That beats a tree of nodes in JavaScript up to millions of keys, as arrays of strings are moved by the
 * memory controller and searched without following pointers.
 */
export class SortedKeys implements Iterable<string> {
  readonly #leaves: string[][] = [];

  /** @returns whether the key is new. */
  add(key: string): boolean {
    const leafIndex = Math.min(this.#leafFor(key), this.#leaves.length - 1);
    const leaf = this.#leaves[leafIndex];
    if (leaf === undefined) {
      this.#leaves.push([key]);
    } else {
      const at = lowerBound(leaf, key);
      if (leaf[at] === key) return false;
      leaf.splice(at, 0, key);
      if (leaf.length > leafKeysMax) this.#leaves.splice(leafIndex + 1, 0, leaf.splice(leafKeysMax >> 1));
    }
    return true;
  }

  /** The least key that is at least `key`. */
  atOrAfter(key: string): string | undefined {
    const leaf = this.#leaves[this.#leafFor(key)];
    return leaf?.[lowerBound(leaf, key)];
  }

  /** The greatest key that is less than `key`. */
  before(key: string): string | undefined {
    const leafIndex = this.#leafFor(key);
    const leaf = this.#leaves[leafIndex];
    const at = leaf === undefined ? 0 : lowerBound(leaf, key);
    return at > 0 ? leaf?.[at - 1] : this.#leaves[leafIndex - 1]?.at(-1);
  }

  /** In order; not to be changed meanwhile. */
  *[Symbol.iterator](): Generator<string, void> {
    for (const leaf of this.#leaves) yield* leaf;
  }

  /** The first leaf whose last key is at least `key`; one past the end if there is none. */
  #leafFor(key: string): number {
    let low = 0;
    let high = this.#leaves.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const last = this.#leaves[middle]?.at(-1);
      if (last !== undefined && last < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const leafKeysMax = 512;

/** The index of the first element that is at least `key`. */
function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
