import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';
import { getAttribute, setAttribute } from '../../protocol/attribute-value.ts';
import type {
  AttributeCondition,
  KeyAttributes,
  KeyCondition,
} from '../../protocol/expression/key-condition.ts';
import {
  canonicalKey,
  decodeKeyValue,
  encodeKeyValue,
  joinKey,
  type KeyAttribute,
  type KeyBytes,
  splitKey,
} from '../../protocol/key.ts';
import { checkIndexStartKey, checkStartKey } from '../../protocol/validate/item.ts';
import type { Table } from '../catalog.ts';
import { entryKey } from '../index-entries.ts';
import type { Index } from '../index-schema.ts';
import { itemJson, parseItem } from '../item-json.ts';
import { FoundItem } from '../state/found-item.ts';
import { delimited, escaped, indexPartition, itemKeyOf, projectionIn } from '../state/index-layout.ts';
import {
  canonicalKeyOf,
  keyAfter,
  prefixEnd,
  StateDamagedError,
  type StateKey,
  stateKey,
} from '../state/layout.ts';
import type { StateView } from '../state/state.ts';

/** State keys from `start` on and before `end`. */
export interface KeyRange {
  start: StateKey;
  end: StateKey;
}

/** What a Query or Scan walks through: the items of a table, or the entries of an index. */
export interface Source {
  /** Under which its state keys lie. */
  readonly number: number;
  readonly key: KeyAttributes;
  /** Where the items of one partition lie. */
  partition(values: readonly AttributeValue[]): StateKey;
  /** How long that part of a state key is. */
  partitionLength(key: StateKey): number;
  /** Where in a partition those lie that meet the conditions on the sort key. */
  sortRange(partition: StateKey, conditions: readonly AttributeCondition[]): KeyRange;
  /** The state key that an ExclusiveStartKey stands for. @throws ValidationException */
  startKey(key: Item): StateKey;
  /**
   * The item that was found there: the whole of it, or what the index has of it. To be taken before the next read.
   * @throws StateDamagedError
   */
  itemOf(view: StateView, found: FoundItem, isWhole: boolean): FoundItem;
  /** The LastEvaluatedKey of a page that ended with this item, as `itemOf` gave it. @throws StateDamagedError */
  lastKey(last: FoundItem): Item;
}

export function sourceOf(table: Table, index: Index | undefined): Source {
  return index === undefined ? new TableSource(table) : new IndexSource(table, index);
}

export function queryRange(source: Source, { partition, sort }: KeyCondition): KeyRange {
  const prefix = source.partition(partition);
  return sort.length === 0 ? prefixRange(prefix) : source.sortRange(prefix, sort);
}

class TableSource implements Source {
  readonly key: KeyAttributes;
  readonly #table: Table;

  constructor(table: Table) {
    const { partition, sort } = table.schema;
    this.key = { partition: [partition], sort: sort === undefined ? [] : [sort] };
    this.#table = table;
  }

  get number(): number {
    return this.#table.number;
  }

  partition([value]: readonly AttributeValue[]): StateKey {
    return stateKey(this.number, joinKey(encodeKeyValue(value as AttributeValue), ''));
  }

  partitionLength(key: StateKey): number {
    return key.length - splitKey(canonicalKeyOf(key)).sort.length;
  }

  /** The sort key is the last part of the state key and stands there as it is. */
  sortRange(partition: StateKey, [condition]: readonly AttributeCondition[]): KeyRange {
    const asItIs = { ended: (value: KeyBytes) => value, begun: (value: KeyBytes) => value };
    return rangeOf(partition, condition as AttributeCondition, asItIs, keyAfter);
  }

  startKey(key: Item): StateKey {
    checkStartKey(this.#table.schema, key);
    return stateKey(this.number, canonicalKey(this.#table.schema, key));
  }

  itemOf(_view: StateView, found: FoundItem): FoundItem {
    return found;
  }

  lastKey({ key }: FoundItem): Item {
    const { partition, sort } = splitKey(canonicalKeyOf(key));
    const last: Item = {};
    for (const attribute of this.key.partition) addKey(last, attribute, partition);
    for (const attribute of this.key.sort) addKey(last, attribute, sort);
    return last;
  }
}

class IndexSource implements Source {
  readonly #table: Table;
  readonly #index: Index;

  constructor(table: Table, index: Index) {
    this.#table = table;
    this.#index = index;
  }

  get key(): KeyAttributes {
    return this.#index;
  }

  get number(): number {
    return this.#index.number;
  }

  partition(values: readonly AttributeValue[]): StateKey {
    return indexPartition(this.number, values.map(encodeKeyValue));
  }

  partitionLength(): number {
    return indexPartition(this.number, []).length;
  }

  sortRange(partition: StateKey, conditions: readonly AttributeCondition[]): KeyRange {
    const equal = conditions
      .slice(0, -1)
      .map(({ values }) => delimited(encodeKeyValue(values[0] as AttributeValue)));
    const last = conditions.at(-1) as AttributeCondition;
    return rangeOf(partition + equal.join(''), last, { ended: delimited, begun: escaped }, endOf);
  }

  startKey(key: Item): StateKey {
    checkIndexStartKey(this.#table.schema, this.#index, key);
    const item = stateKey(this.#table.number, canonicalKey(this.#table.schema, key));
    return entryKey(this.#index, item, key);
  }

  itemOf(view: StateView, entry: FoundItem, isWhole: boolean): FoundItem {
    const projection = isWhole ? undefined : projectionIn(entry);
    if (projection !== undefined) return projection;
    const item = this.#wholeOf(view, entry);
    if (isWhole || this.#index.projectsAll) return item;
    return FoundItem.inMemory(entry.key, itemJson(this.#index.projected(parseItem(item.take()))));
  }

  lastKey(item: FoundItem): Item {
    const parsed = parseItem(item.take());
    const last: Item = {};
    for (const { name } of this.#startAttributes()) {
      setAttribute(last, name, getAttribute(parsed, name) as AttributeValue);
    }
    return last;
  }

  #wholeOf(view: StateView, entry: FoundItem): FoundItem {
    const item = this.#index.isGlobal ? view.follow(entry) : view.find(checkedItemKey(entry));
    if (item !== undefined) return item;
    throw new StateDamagedError(`index ${this.#index.name} names an item that is not there`);
  }

  #startAttributes(): readonly KeyAttribute[] {
    const { partition, sort } = this.#table.schema;
    return [...this.#index.keyAttributes, partition, ...(sort === undefined ? [] : [sort])];
  }
}

/** @throws StateDamagedError */
function checkedItemKey(entry: FoundItem): StateKey {
  entry.check();
  return itemKeyOf(entry);
}

/** How a sort key stands in state keys: whole, and as the beginning of longer ones. */
interface SortEncoding {
  readonly ended: (value: KeyBytes) => KeyBytes;
  readonly begun: (value: KeyBytes) => KeyBytes;
}

/** @param after gives what follows all keys with just this sort key. */
function rangeOf(
  prefix: StateKey,
  { operator, values }: AttributeCondition,
  { ended, begun }: SortEncoding,
  after: (key: StateKey) => StateKey,
): KeyRange {
  const [first, second] = values.map(encodeKeyValue) as [KeyBytes, KeyBytes];
  const bound = prefix + ended(first);
  switch (operator) {
    case '=':
      return { start: bound, end: after(bound) };
    case '<':
      return { start: prefix, end: bound };
    case '<=':
      return { start: prefix, end: after(bound) };
    case '>':
      return { start: after(bound), end: endOf(prefix) };
    case '>=':
      return { start: bound, end: endOf(prefix) };
    case 'BETWEEN':
      return { start: bound, end: after(prefix + ended(second)) };
    case 'begins_with':
      return prefixRange(prefix + begun(first));
  }
}

function prefixRange(prefix: StateKey): KeyRange {
  return { start: prefix, end: endOf(prefix) };
}

function endOf(prefix: StateKey): StateKey {
  const end = prefixEnd(prefix);
  if (end === undefined) throw new RangeError('a state key never consists of bytes 255 alone');
  return end;
}

function addKey(item: Item, { name, type }: KeyAttribute, bytes: KeyBytes): void {
  setAttribute(item, name, decodeKeyValue(type, bytes));
}
