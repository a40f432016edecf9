import { equalItems, type Item } from '../protocol/attribute-value.ts';
import type { Table } from './catalog.ts';
import { entryOf } from './index-entries.ts';
import type { Index } from './index-schema.ts';
import { parseItem } from './item-json.ts';
import type { FoundItem } from './state/found-item.ts';
import { itemKeyOf, projectionIn } from './state/index-layout.ts';
import { type StateKey, tablePrefix } from './state/layout.ts';
import type { State } from './state/state.ts';
import type { Statistics } from './statistics.ts';

/**
 * Holds the indexes of one table against its items. To be given every item first, and asked for the entries then:
 * together that proves that each item which belongs in an index is there exactly once, and nothing else is.
 */
export class IndexCheck {
  readonly #table: Table;
  readonly #state: State;
  readonly #statistics: Statistics;

  constructor(table: Table, state: State, statistics: Statistics) {
    this.#table = table;
    this.#state = state;
    this.#statistics = statistics;
  }

  /** What the indexes lack of an item. An index that is being created may still lack anything. */
  *problemsOfItem(key: StateKey, item: Item): Generator<string, void> {
    for (const index of this.#table.indexes) {
      if (index.definition.status === 'CREATING') continue;
      const expected = entryOf(index, key, item);
      if (expected === undefined || this.#state.get(expected.key) !== undefined) continue;
      yield `${this.#nameOf(index)} lacks the item ${hex(key)}`;
    }
  }

  /** What is wrong with the entries, and with what is noted of them. */
  *problemsOfEntries(): Generator<string, void> {
    for (const index of this.#table.indexes) yield* this.#problemsOfIndex(index);
  }

  *#problemsOfIndex(index: Index): Generator<string, void> {
    let itemCount = 0;
    let sizeBytes = 0;
    const end = tablePrefix(index.number + 1);
    for (const found of this.#state.walk(tablePrefix(index.number), end, false)) {
      itemCount++;
      sizeBytes += found.size;
      const problem = this.#problemOfEntry(index, found.kept());
      if (problem !== undefined) yield `${this.#nameOf(index)}: the entry ${hex(found.key)} ${problem}`;
    }
    const noted = this.#statistics.of(index.number);
    const isTrue = noted.itemCount === itemCount && noted.sizeBytes === sizeBytes;
    if (isTrue || index.definition.status === 'CREATING') return;
    yield `${this.#nameOf(index)}: noted are ${noted.itemCount} items and ${noted.sizeBytes} bytes, ` +
      `found ${itemCount} and ${sizeBytes}`;
  }

  #problemOfEntry(index: Index, entry: FoundItem): string | undefined {
    const itemKey = itemKeyOf(entry);
    const item = itemKey.startsWith(tablePrefix(this.#table.number)) ? this.#state.get(itemKey) : undefined;
    if (item === undefined) return `names an item that is not there: ${hex(itemKey)}`;
    const expected = entryOf(index, itemKey, parseItem(item));
    if (expected === undefined) return `names an item that does not belong there: ${hex(itemKey)}`;
    if (expected.key !== entry.key) return `belongs at ${hex(expected.key)}`;
    if (expected.size !== entry.size) return `has size ${entry.size} instead of ${expected.size}`;
    const projected = projectionIn(entry)?.take();
    if (projected === undefined || equalItems(parseItem(projected), expected.projected)) return undefined;
    return 'has other values than its item';
  }

  #nameOf({ name }: Index): string {
    return `index ${name} of table ${this.#table.name}`;
  }
}

function hex(key: StateKey): string {
  return Buffer.from(key, 'latin1').toString('hex');
}
