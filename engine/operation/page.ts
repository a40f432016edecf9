import type { Item } from '../../protocol/attribute-value.ts';
import {
  type Consistency,
  consumedCapacity,
  readUnits,
  sumOfUnits,
  type Units,
} from '../../protocol/capacity.ts';
import { type Condition, evaluateCondition } from '../../protocol/expression/condition.ts';
import { projectJson } from '../../protocol/expression/json-projection.ts';
import type { Projection } from '../../protocol/expression/projection.ts';
import type { QueryInput, ScanInput } from '../../protocol/operation.ts';
import { type Output, Reply } from '../../protocol/reply.ts';
import type { Table } from '../catalog.ts';
import type { Index } from '../index-schema.ts';
import { parseItem } from '../item-json.ts';
import type { Services } from '../services.ts';
import type { FoundItem } from '../state/found-item.ts';
import type { StateKey } from '../state/layout.ts';
import { PageBody } from '../state/page-body.ts';
import type { State, StateView } from '../state/state.ts';
import type { Walk } from '../state/walk.ts';
import type { KeyRange, Source } from './source.ts';

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
  const { table, range, reverse, partition, input, selection } = read;
  const call = throughput.call();
  call?.admitRead(table, selection.index, partition);
  const view = viewFor(state, input);
  const page = new Page(read, view);
  fill(page, view.walk(range.start, range.end, reverse));
  const reply = page.reply();
  call?.spendRead(table, selection.index, partition, sumOfUnits(page.units));
  return reply;
}

function fill(page: Page, walk: Walk): void {
  try {
    for (let found = walk.next(); found !== undefined; found = walk.next()) {
      page.add(found);
      if (page.isFull) return;
    }
  } finally {
    walk.close();
  }
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
  readonly #source: Source;
  readonly #view: StateView;
  readonly #input: PageInput;
  readonly #selection: Selection;
  /** Undefined where only a count is asked for. */
  readonly #body: PageBody | undefined;
  #count = 0;
  #scannedCount = 0;
  #bytes = 0;
  #fetchUnits = 0;
  #lastKey: Item | undefined;

  constructor({ source, input, selection }: PageRead, view: StateView) {
    this.#source = source;
    this.#view = view;
    this.#input = input;
    this.#selection = selection;
    this.#body = input.Select === 'COUNT' ? undefined : new PageBody();
  }

  get isFull(): boolean {
    return (
      this.#scannedCount === this.#input.Limit ||
      this.#scannedCount >= pageItemsMax ||
      this.#bytes >= pageBytesMax
    );
  }

  /** @throws StateDamagedError */
  add(found: FoundItem): void {
    const { filter, fetches } = this.#selection;
    this.#scannedCount++;
    this.#bytes += found.size;
    if (this.#body === undefined && filter === undefined && !fetches) {
      found.check();
      this.#count++;
      if (this.isFull) this.#endWith(this.#itemOf(found));
      return;
    }
    const item = this.#itemOf(found);
    if (fetches) this.#fetchUnits += readUnits(item.size, this.#consistency);
    this.#select(item);
    if (this.isFull) this.#endWith(item);
  }

  /** The sizes of all items of a page are added up before they are rounded; fetched ones are rounded one by one. */
  get units(): Units {
    const units = readUnits(this.#bytes, this.#consistency);
    const { index } = this.#selection;
    if (index === undefined) return { table: units };
    const ofIndex = new Map([[index.name, units]]);
    return index.isGlobal ? { table: 0, global: ofIndex } : { table: this.#fetchUnits, local: ofIndex };
  }

  /** Ends the page. @throws StateDamagedError */
  reply(): Reply {
    const output: Output = { Count: this.#count, ScannedCount: this.#scannedCount };
    if (this.#lastKey !== undefined) output.LastEvaluatedKey = this.#lastKey;
    const capacity = consumedCapacity(this.#input.ReturnConsumedCapacity, this.#input.TableName, this.units);
    if (capacity !== undefined) output.ConsumedCapacity = capacity;
    return this.#body?.finish(output) ?? new Reply(output);
  }

  #itemOf(found: FoundItem): FoundItem {
    return this.#source.itemOf(this.#view, found, this.#selection.fetches);
  }

  /** Takes the item unless the filter leaves it out. */
  #select(item: FoundItem): void {
    const { filter, projection } = this.#selection;
    if (filter === undefined && projection === undefined) {
      this.#count++;
      if (this.#body === undefined) item.check();
      else this.#body.add(item);
      return;
    }
    const taken = item.take();
    if (filter !== undefined && !evaluateCondition(filter, parseItem(taken))) return;
    this.#count++;
    if (this.#body === undefined) return;
    if (projection === undefined) this.#body.add(item);
    else this.#body.addPart(projectJson(projection, taken));
  }

  #endWith(item: FoundItem): void {
    this.#lastKey = this.#source.lastKey(item);
  }

  get #consistency(): Consistency {
    return this.#input.ConsistentRead === true ? 'strong' : 'eventual';
  }
}
