import type { Item } from '../../protocol/attribute-value.ts';
import { canonicalKey } from '../../protocol/key.ts';
import { isObject } from '../cache/key-reader.ts';
import type { Subject } from './comparison.ts';
import type { Reader } from './reader.ts';

/** Into how many parts a table is cut at first, of which one is read from its start. */
const segmentsMax = 4_096;
/** Parts without items, one after the other, after which the table is cut into half as many. */
const emptyInRowMax = 3;
/** Items of one read, and how many of them are taken. */
const pageItems = 32;
const picksMax = 4;
/** Reads without a key that is new, one after the other, after which luck is not tried any more. */
const idleReadsMax = 16;

/**
 * Keys of a table's items, none twice. They are drawn at random: from the starts of random segments of a Scan, and with
 * falling likelihood from further inside. Where that finds no new ones, as in small tables, the table is read from its
 * start, so that all its keys come in the end.
 * @returns keys of table and indexes, as far as items have them; fewer than `count` where there are no more.
 */
export async function* sampleKeys(
  reader: Reader,
  subject: Subject,
  count: number,
  random: () => number,
): AsyncGenerator<Item> {
  const drawing = new Drawing(reader, subject, count, random);
  yield* drawing.fromAnywhere();
  yield* drawing.fromTheStart();
}

class Drawing {
  readonly #reader: Reader;
  readonly #subject: Subject;
  readonly #count: number;
  readonly #random: () => number;
  /** The canonical keys. */
  readonly #drawn = new Set<string>();

  constructor(reader: Reader, subject: Subject, count: number, random: () => number) {
    this.#reader = reader;
    this.#subject = subject;
    this.#count = count;
    this.#random = random;
  }

  async *fromAnywhere(): AsyncGenerator<Item> {
    const segments = new Segments(this.#random);
    let idleReads = 0;
    let start: unknown;
    while (this.#isWanting() && idleReads < idleReadsMax) {
      const page = await this.#read(segments.current, start);
      const fresh = page.items.filter((item) => !this.#drawn.has(this.#keyOf(item)));
      if (page.items.length > 0) idleReads = fresh.length === 0 ? idleReads + 1 : 0;
      yield* this.#take(picked(fresh, picksMax, this.#random));
      start = this.#random() < 0.5 ? page.last : undefined;
      if (start === undefined && !segments.next(page.items.length === 0)) return;
    }
  }

  async *fromTheStart(): AsyncGenerator<Item> {
    let start: unknown;
    while (this.#isWanting()) {
      const { items, last } = await this.#read({}, start);
      yield* this.#take(items);
      if (last === undefined) return;
      start = last;
    }
  }

  *#take(items: readonly Item[]): Generator<Item> {
    for (const item of items) {
      const key = this.#keyOf(item);
      if (!this.#isWanting() || this.#drawn.has(key)) continue;
      this.#drawn.add(key);
      yield item;
    }
  }

  #isWanting(): boolean {
    return this.#drawn.size < this.#count;
  }

  #keyOf(item: Item): string {
    return canonicalKey(this.#subject.schema, item);
  }

  async #read(segment: object, start: unknown): Promise<{ items: Item[]; last: unknown }> {
    const input = { ...projectionOf(this.#subject), ...segment, Limit: pageItems };
    const from = start === undefined ? input : { ...input, ExclusiveStartKey: start };
    const { Items: items, LastEvaluatedKey: last } = await this.#reader.read('store', 'Scan', from);
    return { items: Array.isArray(items) ? items : [], last: isObject(last) ? last : undefined };
  }
}

/** Which part of the table is read. */
class Segments {
  readonly #random: () => number;
  #total = segmentsMax;
  #emptyInRow = 0;
  #segment: number;

  constructor(random: () => number) {
    this.#random = random;
    this.#segment = this.#draw();
  }

  get current(): { Segment: number; TotalSegments: number } {
    return { Segment: this.#segment, TotalSegments: this.#total };
  }

  /** @returns false where there is nothing in the whole table. */
  next(wasEmpty: boolean): boolean {
    if (wasEmpty && this.#total === 1) return false;
    this.#emptyInRow = wasEmpty ? this.#emptyInRow + 1 : 0;
    if (this.#emptyInRow >= emptyInRowMax) {
      this.#total = this.#total >> 1;
      this.#emptyInRow = 0;
    }
    this.#segment = this.#draw();
    return true;
  }

  #draw(): number {
    return Math.floor(this.#random() * this.#total);
  }
}

/** The key attributes of the table and of all its indexes. */
function projectionOf({ name, schema, indexes }: Subject) {
  const keys = [schema, ...indexes].flatMap(({ partition, sort }) => [partition, sort].flat());
  const names = [...new Set(keys.flatMap((key) => (key === undefined ? [] : [key.name])))];
  return {
    TableName: name,
    ProjectionExpression: names.map((_, i) => `#k${i}`).join(', '),
    ExpressionAttributeNames: Object.fromEntries(names.map((one, i) => [`#k${i}`, one])),
  };
}

function picked(items: Item[], count: number, random: () => number): Item[] {
  for (let i = 0; i < Math.min(count, items.length); i++) {
    const other = i + Math.floor(random() * (items.length - i));
    const [a, b] = [items[i] as Item, items[other] as Item];
    items[i] = b;
    items[other] = a;
  }
  return items.slice(0, count);
}
