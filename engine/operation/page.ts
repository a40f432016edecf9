import type { Item } from '../../protocol/attribute-value.ts';
import {
  type Consistency,
  consumedCapacity,
  readUnits,
  sumOfUnits,
  type Units,
} from '../../protocol/capacity.ts';
import { type Condition, evaluateCondition } from '../../protocol/expression/condition.ts';
import { type Projection, projectItem } from '../../protocol/expression/projection.ts';
import type { QueryInput, ScanInput } from '../../protocol/operation.ts';
import { type ItemJson, type Output, Reply } from '../../protocol/reply.ts';
import type { Table } from '../catalog.ts';
import type { Index } from '../index-schema.ts';
import { parseItem } from '../item-json.ts';
import type { Services } from '../services.ts';
import type { StateKey } from '../state/layout.ts';
import type { State, StateView } from '../state/state.ts';
import type { KeyRange, ReadItem, Source } from './source.ts';

export type PageInput = QueryInput | ScanInput;

/** What of each item read goes into the answer. */
export interface Selection {
  readonly filter: Condition | undefined;
  readonly projection: Projection | undefined;
  /** The index that is read. */
  readonly index: Index | undefined;
  /** Whether attributes are asked for that a local index does not have: items are then fetched from the table. */
  readonly fetches: boolean;
}

/** What a Query or Scan comes down to. */
export interface PageRead {
  readonly table: Table;
  readonly source: Source;
  readonly range: KeyRange;
  readonly reverse: boolean;
  /** Any key in the one partition that a Query reads. */
  readonly partition: StateKey | undefined;
  readonly input: PageInput;
  readonly selection: Selection;
}

/**
 * Reads one page: at most `Limit` items, and until they come to 1 MB, before the filter (AWS: Query.Pagination).
 * @throws ProvisionedThroughputExceededException, ThrottlingException, RequestLimitExceeded
 */
export function readPage({ state, throughput }: Services, read: PageRead): Reply {
  const { table, source, range, reverse, partition, input, selection } = read;
  const call = throughput.call();
  call?.admitRead(table, selection.index, partition);
  const page = new Page(input, selection);
  for (const item of source.read(viewFor(state, input), range, reverse)) {
    page.add(item);
    if (page.isFull) break;
  }
  call?.spendRead(table, selection.index, partition, sumOfUnits(page.units));
  return page.reply(source);
}

/** Global indexes, which take no consistent reads, follow their tables as replicas do. */
function viewFor(state: State, { ConsistentRead: consistent }: PageInput): StateView {
  return consistent === true ? state : state.lagging();
}

/** The bytes of items that a page reads before it ends (AWS: Query.Pagination). */
const pageBytesMax = 1024 * 1024;

/** A page of very small items ends earlier, as it is read in one turn of the event loop. */
const pageItemsMax = 25_000;

class Page {
  readonly #input: PageInput;
  readonly #selection: Selection;
  readonly #items: (ItemJson | Item)[] = [];
  #count = 0;
  #scannedCount = 0;
  #bytes = 0;
  #fetchUnits = 0;
  #last: ReadItem | undefined;

  constructor(input: PageInput, selection: Selection) {
    this.#input = input;
    this.#selection = selection;
  }

  get isFull(): boolean {
    return (
      this.#scannedCount === this.#input.Limit ||
      this.#scannedCount >= pageItemsMax ||
      this.#bytes >= pageBytesMax
    );
  }

  add(read: ReadItem): void {
    this.#scannedCount++;
    this.#bytes += read.size;
    this.#last = read;
    if (this.#selection.fetches) this.#fetchUnits += readUnits(read.item.size, this.#consistency);
    const selected = select(read.item, this.#selection);
    if (selected === undefined) return;
    this.#count++;
    if (this.#input.Select !== 'COUNT') this.#items.push(selected);
  }

  /** The sizes of all items of a page are added up before they are rounded; fetched ones are rounded one by one. */
  get units(): Units {
    const units = readUnits(this.#bytes, this.#consistency);
    const { index } = this.#selection;
    if (index === undefined) return { table: units };
    const ofIndex = new Map([[index.name, units]]);
    return index.isGlobal ? { table: 0, global: ofIndex } : { table: this.#fetchUnits, local: ofIndex };
  }

  reply(source: Source): Reply {
    const output: Output = { Count: this.#count, ScannedCount: this.#scannedCount };
    if (this.#input.Select !== 'COUNT') output.Items = this.#items;
    if (this.isFull && this.#last !== undefined) output.LastEvaluatedKey = source.lastKey(this.#last);
    const capacity = consumedCapacity(this.#input.ReturnConsumedCapacity, this.#input.TableName, this.units);
    if (capacity !== undefined) output.ConsumedCapacity = capacity;
    return new Reply(output);
  }

  get #consistency(): Consistency {
    return this.#input.ConsistentRead === true ? 'strong' : 'eventual';
  }
}

/** @returns undefined if the filter leaves the item out. */
function select(
  item: ItemJson,
  { filter, projection, index, fetches }: Selection,
): ItemJson | Item | undefined {
  const isWhole = index === undefined || index.projectsAll || fetches;
  if (isWhole && filter === undefined && projection === undefined) return item;
  const visible = isWhole ? parseItem(item) : index.projected(parseItem(item));
  if (filter !== undefined && !evaluateCondition(filter, visible)) return undefined;
  if (projection !== undefined) return projectItem(projection, visible);
  return isWhole ? item : visible;
}
