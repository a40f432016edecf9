/**
 * From the hashes of names to records. While it grows, that takes 11 to 22 bytes for each.
 *
 * 1. A quarter of a table's places is free. A pair of hash and reference stands at the place that its hash names, or at one
 *    behind it with no free place in between: a search ends at the first free one.
 * 2. By the first bits of a hash it belongs to one of `tableCount` tables, which grow alone: when there are ten million
 *    names, that holds the event loop for a millisecond, and not for a second.
 * 3. What compares names is asked only where the whole hash is the same.
 */
export class NameIndex {
  readonly #isNamed: (ref: number, name: string) => boolean;
  readonly #tables: (Table | undefined)[] = Array.from({ length: tableCount });
  #size = 0;

  /** @param isNamed whether this is the name of the record. */
  constructor(isNamed: (ref: number, name: string) => boolean) {
    this.#isNamed = isNamed;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns the record's reference, or `none`. */
  find(hash: number, name: string): number {
    const table = this.#tables[hash >>> tableShift];
    if (table === undefined) return none;
    const { pairs, mask } = table;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const ref = pairs[2 * place + 1] as number;
      if (ref === none) return none;
      if (pairs[2 * place] === hash && this.#isNamed(ref, name)) return ref;
    }
  }

  /** @param hash of a name that is not there. */
  add(hash: number, ref: number): void {
    const number = hash >>> tableShift;
    let table = this.#tables[number];
    if (table === undefined) table = resized(undefined, firstPlaces);
    else if ((table.size + 1) * 4 > placesOf(table) * 3) table = resized(table, placesOf(table) * 2);
    this.#tables[number] = table;
    insert(table, hash, ref);
    table.size++;
    this.#size++;
  }

  remove(hash: number, ref: number): void {
    const number = hash >>> tableShift;
    const table = this.#tables[number] as Table;
    closeGap(table, placeOf(table, hash, ref));
    table.size--;
    this.#size--;
    const places = placesOf(table);
    if (table.size * 8 < places && places > firstPlaces) this.#tables[number] = resized(table, places / 2);
  }

  replace(hash: number, from: number, to: number): void {
    const table = this.#tables[hash >>> tableShift] as Table;
    table.pairs[2 * placeOf(table, hash, from) + 1] = to;
  }
}

export const none = -1;

interface Table {
  /** Hash and reference by turns; a place is free whose reference is `none`. */
  readonly pairs: Int32Array;
  /** One less than the number of places. */
  readonly mask: number;
  size: number;
}

const tableBits = 8;
const tableCount = 1 << tableBits;
const tableShift = 32 - tableBits;
const firstPlaces = 8;

function placesOf({ mask }: Table): number {
  return mask + 1;
}

function resized(table: Table | undefined, places: number): Table {
  const pairs = new Int32Array(2 * places).fill(none);
  const other = { pairs, mask: places - 1, size: table?.size ?? 0 };
  for (let i = 0; table !== undefined && i < table.pairs.length; i += 2) {
    const ref = table.pairs[i + 1] as number;
    if (ref !== none) insert(other, table.pairs[i] as number, ref);
  }
  return other;
}

function insert({ pairs, mask }: Table, hash: number, ref: number): void {
  let place = hash & mask;
  while (pairs[2 * place + 1] !== none) place = (place + 1) & mask;
  pairs[2 * place] = hash;
  pairs[2 * place + 1] = ref;
}

/** @param ref of a record that is there. */
function placeOf({ pairs, mask }: Table, hash: number, ref: number): number {
  let place = hash & mask;
  while (pairs[2 * place + 1] !== ref) place = (place + 1) & mask;
  return place;
}

/** Moves up what would not be found behind a free place. */
function closeGap({ pairs, mask }: Table, gap: number): void {
  let free = gap;
  for (let place = (gap + 1) & mask; pairs[2 * place + 1] !== none; place = (place + 1) & mask) {
    const home = (pairs[2 * place] as number) & mask;
    const isBehindItsHome = ((place - home) & mask) >= ((place - free) & mask);
    if (!isBehindItsHome) continue;
    pairs[2 * free] = pairs[2 * place] as number;
    pairs[2 * free + 1] = pairs[2 * place + 1] as number;
    free = place;
  }
  pairs[2 * free + 1] = none;
}
