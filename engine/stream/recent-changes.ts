import type { StreamChange, StreamedChange } from './change.ts';
import { shardsMax } from './definition.ts';
import { Queue } from './queue.ts';

/**
 * The newest changes of all streams, so that readers that keep up need no disk. Bounded in number, and in the bytes of images; the
 * oldest go first, whichever stream they are of.
 *
 * Images are copied into one ring: as they come they are parts of larger pieces of memory, which a small one would keep alive whole.
 *
 *     ring    ....|oldest ... newest|....      or     |... newest|......|oldest ...|
 *                 ^ #oldest         ^ #next                      ^ #next ^ #oldest
 */
export class RecentChanges {
  readonly #bytesMax: number;
  readonly #countMax: number;
  /** Every change from this sequence number on was added. */
  readonly #since: number;
  /** By stream and range of hashes. */
  readonly #tails = new Map<number, Tail>();
  /** The tail of every change, in the order of the changes. */
  readonly #order = new Queue<Tail>();
  /** Made when there is something to keep. */
  #ring = Buffer.alloc(0);
  #next = 0;

  constructor(since: number, { bytesMax = bytesMaxDefault, countMax = countMaxDefault } = {}) {
    this.#since = since;
    this.#bytesMax = bytesMax;
    this.#countMax = countMax;
  }

  add({ stream, slot, change }: StreamedChange): void {
    const tail = this.#tailOf(stream.number, slot);
    const oldBytes = change.oldImage?.json.length ?? 0;
    const newBytes = change.newImage?.json.length ?? 0;
    const at = this.#makeRoom(oldBytes + newBytes);
    if (at === undefined) {
      tail.completeFrom = change.sequence + 1;
      return;
    }
    if (change.oldImage !== undefined) this.#ring.set(change.oldImage.json, at);
    if (change.newImage !== undefined) this.#ring.set(change.newImage.json, at + oldBytes);
    this.#next = at + oldBytes + newBytes;
    tail.changes.push(keptChange(change, at));
    this.#order.push(tail);
  }

  /**
   * The changes of a range of hashes from a sequence number on; undefined where some of them are not here. Their images are as they are
   * until the next change is added.
   */
  from(stream: number, slot: number, sequence: number): Iterable<StreamChange> | undefined {
    const tail = this.#tails.get(tailNumber(stream, slot));
    if (sequence < (tail?.completeFrom ?? this.#since)) return undefined;
    return tail === undefined ? [] : this.#changesFrom(tail, sequence);
  }

  /** Streams that are gone take no place any more. */
  keepOnly(isKnown: (stream: number) => boolean): void {
    for (const number of this.#tails.keys()) {
      if (!isKnown(Math.floor(number / shardsMax))) this.#tails.delete(number);
    }
  }

  *#changesFrom({ changes }: Tail, sequence: number): Generator<StreamChange> {
    for (const kept of changes.from((change) => change.sequence >= sequence)) {
      const { at, oldBytes, oldSize, newBytes, newSize, ...change } = kept;
      const middle = at + oldBytes;
      const oldImage = oldSize && { json: this.#ring.subarray(at, middle), size: oldSize };
      const newImage = newSize && { json: this.#ring.subarray(middle, middle + newBytes), size: newSize };
      yield { ...change, oldImage: oldImage || undefined, newImage: newImage || undefined };
    }
  }

  /** @returns where in the ring there is room for so many bytes; undefined if there never is. */
  #makeRoom(bytes: number): number | undefined {
    if (bytes > this.#bytesMax) {
      while (this.#order.first !== undefined) this.#dropOldest();
      return undefined;
    }
    if (this.#ring.length === 0) this.#ring = Buffer.allocUnsafeSlow(this.#bytesMax);
    if (this.#order.length >= this.#countMax) this.#dropOldest();
    for (;;) {
      const at = this.#roomFor(bytes);
      if (at !== undefined) return at;
      this.#dropOldest();
    }
  }

  #roomFor(bytes: number): number | undefined {
    const oldest = this.#order.first?.changes.first?.at;
    if (oldest === undefined) return 0;
    if (this.#next < oldest) return this.#next + bytes < oldest ? this.#next : undefined;
    if (this.#next + bytes <= this.#bytesMax) return this.#next;
    return bytes < oldest ? 0 : undefined;
  }

  #dropOldest(): void {
    const tail = this.#order.shift();
    const change = tail?.changes.shift();
    if (tail !== undefined && change !== undefined) tail.completeFrom = change.sequence + 1;
  }

  #tailOf(stream: number, slot: number): Tail {
    const number = tailNumber(stream, slot);
    let tail = this.#tails.get(number);
    if (tail === undefined) {
      tail = { changes: new Queue<KeptChange>(), completeFrom: this.#since };
      this.#tails.set(number, tail);
    }
    return tail;
  }
}

interface Tail {
  readonly changes: Queue<KeptChange>;
  completeFrom: number;
}

/** A change with its images in the ring: the old one first, both behind `at`. A size of 0 stands for no image: an item has a key. */
interface KeptChange extends Omit<StreamChange, 'oldImage' | 'newImage'> {
  readonly at: number;
  readonly oldBytes: number;
  readonly oldSize: number;
  readonly newBytes: number;
  readonly newSize: number;
}

const bytesMaxDefault = 32 * 1024 * 1024;

/** Some 200 bytes each besides their images. */
const countMaxDefault = 65_536;

function keptChange(change: StreamChange, at: number): KeptChange {
  const { sequence, timeMs, event, key, oldImage, newImage, principal } = change;
  return {
    sequence,
    timeMs,
    event,
    key,
    principal,
    at,
    oldBytes: oldImage?.json.length ?? 0,
    oldSize: oldImage?.size ?? 0,
    newBytes: newImage?.json.length ?? 0,
    newSize: newImage?.size ?? 0,
  };
}

function tailNumber(stream: number, slot: number): number {
  return stream * shardsMax + slot;
}
