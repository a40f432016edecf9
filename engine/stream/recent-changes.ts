import type { Image } from '../log/record.ts';
import type { StreamChange, StreamedChange } from './change.ts';
import { shardsMax } from './definition.ts';

/**
 * The newest changes of all streams, so that readers that keep up need no disk. Bounded in bytes; the oldest go first, whichever
 * stream they are of.
 */
export class RecentChanges {
  readonly #bytesMax: number;
  /** Every change from this sequence number on was added. */
  readonly #since: number;
  /** By stream and range of hashes. */
  readonly #tails = new Map<number, Tail>();
  /** The tail of every change, in the order of the changes. */
  readonly #order = new Queue<Tail>();
  readonly #copies = new ImageCopies();
  #bytes = 0;

  constructor(since: number, bytesMax = bytesMaxDefault) {
    this.#since = since;
    this.#bytesMax = bytesMax;
  }

  add({ stream, slot, change }: StreamedChange): void {
    const tail = this.#tailOf(stream.number, slot);
    const { oldImage, newImage } = change;
    tail.changes.push({
      ...change,
      oldImage: oldImage && this.#copies.copyOf(oldImage),
      newImage: newImage && this.#copies.copyOf(newImage),
    });
    this.#order.push(tail);
    this.#bytes += bytesOf(change);
    while (this.#bytes > this.#bytesMax) this.#dropOldest();
  }

  /** The changes of a range of hashes from a sequence number on; undefined where some of them are not here. */
  from(stream: number, slot: number, sequence: number): Iterable<StreamChange> | undefined {
    const tail = this.#tails.get(tailNumber(stream, slot));
    if (sequence < (tail?.completeFrom ?? this.#since)) return undefined;
    return tail === undefined ? [] : tail.changes.from((change) => change.sequence >= sequence);
  }

  /** Streams that are gone take no place any more. */
  keepOnly(isKnown: (stream: number) => boolean): void {
    for (const number of this.#tails.keys()) {
      if (!isKnown(Math.floor(number / shardsMax))) this.#tails.delete(number);
    }
  }

  #dropOldest(): void {
    const tail = this.#order.shift();
    const change = tail?.changes.shift();
    if (tail === undefined || change === undefined) return;
    this.#bytes -= bytesOf(change);
    tail.completeFrom = change.sequence + 1;
  }

  #tailOf(stream: number, slot: number): Tail {
    const number = tailNumber(stream, slot);
    const tail = this.#tails.get(number) ?? { changes: new Queue<StreamChange>(), completeFrom: this.#since };
    this.#tails.set(number, tail);
    return tail;
  }
}

interface Tail {
  readonly changes: Queue<StreamChange>;
  completeFrom: number;
}

const bytesMaxDefault = 32 * 1024 * 1024;

/** What a change takes besides its images and its key. */
const overheadBytes = 200;

function tailNumber(stream: number, slot: number): number {
  return stream * shardsMax + slot;
}

function bytesOf({ key, oldImage, newImage }: StreamChange): number {
  return overheadBytes + key.length + (oldImage?.json.length ?? 0) + (newImage?.json.length ?? 0);
}

/**
 * Copies images into memory of their own: as they come they are parts of larger pieces, which a small one would keep alive whole. As
 * copies go in the order in which they were made, at most one chunk is kept for fewer bytes than it has.
 */
class ImageCopies {
  #chunk = Buffer.alloc(0);

  copyOf({ json, size }: Image): Image {
    if (json.length > this.#chunk.length)
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(chunkBytes, json.length));
    const copy = this.#chunk.subarray(0, json.length);
    copy.set(json);
    this.#chunk = this.#chunk.subarray(json.length);
    return { json: copy, size };
  }
}

const chunkBytes = 256 * 1024;

/** First in, first out; what has gone in front is cut off when it is half of all. */
class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.#head > trimmedAt && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** The items from the first one on for which it holds; it must hold for all that follow. */
  *from(holds: (item: T) => boolean): Generator<T> {
    const items = this.#items;
    let low = this.#head;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(items[middle] as T)) high = middle;
      else low = middle + 1;
    }
    for (let i = low; i < items.length; i++) {
      const item = items[i];
      if (item === undefined) return;
      yield item;
    }
  }
}

const trimmedAt = 64;
