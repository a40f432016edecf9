import type { Item } from '../protocol/attribute-value.ts';
import type { Table } from './catalog.ts';
import { entryOf } from './index-entries.ts';
import { bytesOfCollection, collectionOf } from './item-collections.ts';
import { canonicalKeyOf, type StateKey, stateKey, tablePrefix } from './state/layout.ts';
import type { State } from './state/state.ts';

/**
 * Holds the sizes of one table's item collections against its items. To be given every item in the order of their keys,
 * in which collections come one after the other, and asked for the rest then.
 */
export class CollectionCheck {
  readonly #table: Table;
  readonly #state: State;
  /** The collection whose items are coming. */
  #current: { readonly row: StateKey; bytes: number } | undefined;
  /** Rows that belong to the collections so far. */
  #rowCount = 0;

  constructor(table: Table, state: State) {
    this.#table = table;
    this.#state = state;
  }

  /** What is wrong with the collection that came before the item's. */
  *problemsOfItem(key: StateKey, sizeBytes: number, item: Item): Generator<string, void> {
    const collection = collectionOf(this.#table, canonicalKeyOf(key));
    if (collection === undefined) return;
    const row = stateKey(collection.number, collection.partition);
    let current = this.#current;
    if (current?.row !== row) {
      yield* this.#problemsOfCurrent();
      current = { row, bytes: 0 };
      this.#current = current;
    }
    current.bytes += sizeBytes + this.#entryBytes(key, item);
  }

  /** What is wrong with the last collection, and with rows that belong to none. */
  *problemsOfRows(): Generator<string, void> {
    const { collections } = this.#table.definition;
    if (collections === undefined) return;
    yield* this.#problemsOfCurrent();
    let found = 0;
    for (const _ of this.#state.range(tablePrefix(collections), tablePrefix(collections + 1), false)) found++;
    if (found === this.#rowCount) return;
    yield `table ${this.#table.name}: sizes of ${found} item collections are noted, found ${this.#rowCount} of them`;
  }

  *#problemsOfCurrent(): Generator<string, void> {
    if (this.#current === undefined) return;
    const { row, bytes } = this.#current;
    const noted = this.#state.get(row);
    if (noted !== undefined) this.#rowCount++;
    if (bytesOfCollection(noted) === bytes) return;
    yield `table ${this.#table.name}: noted are ${bytesOfCollection(noted)} bytes of the item collection ` +
      `${Buffer.from(row, 'latin1').toString('hex')}, found ${bytes}`;
  }

  #entryBytes(key: StateKey, item: Item): number {
    let bytes = 0;
    for (const index of this.#table.indexes) {
      if (!index.isGlobal) bytes += entryOf(index, key, item)?.size ?? 0;
    }
    return bytes;
  }
}
