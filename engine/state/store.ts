import { mkdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { type Database, open, type RootDatabase } from 'lmdb';
import { FoundItem } from './found-item.ts';
import { itemKeyOf } from './index-layout.ts';
import { ItemMemory } from './item-memory.ts';
import { encodeValue, StateDamagedError, type StateKey } from './layout.ts';
import type { OverlayEntry } from './overlay.ts';
import { StoreTransaction } from './transaction.ts';

export interface StoreOptions {
  readonly readOnly: boolean;
  /** Nobody will look for it after a crash: nothing is synced. */
  readonly passing?: boolean;
  /** Written by `transactAside` only. */
  readonly transactsAside?: boolean;
}

/** Rows of the meta database; undefined removes a row. */
export type MetaRows = Map<string, string | undefined>;

/**
 * The state that the log has produced, in LMDB: one environment with the items and a few meta rows. It commits in its
 * safe mode: what is committed is on disk. Written by `apply`, from one place, in order; by transactions in threads that load tables.
 */
export class Store {
  readonly #environment: RootDatabase<Buffer, Buffer>;
  readonly #items: Database<Buffer, StateKey>;
  readonly #meta: Database<Buffer, string>;
  readonly #memory = new ItemMemory();

  private constructor(environment: RootDatabase<Buffer, Buffer>) {
    this.#environment = environment;
    this.#items = environment.openDB<Buffer, StateKey>(itemsDatabase);
    this.#meta = environment.openDB<Buffer, string>({ name: 'meta', encoding: 'binary' });
  }

  /** @param directory made if missing. */
  static open(directory: string, options: StoreOptions): Store {
    if (!options.readOnly) mkdirSync(directory, { recursive: true });
    const environment = open<Buffer, Buffer>({
      path: directory,
      // Keys of 3.1 kB need pages of 8 kB; with 4 kB LMDB takes 1,978 bytes.
      pageSize: 8192,
      noSubdir: false,
      overlappingSync: false,
      readOnly: options.readOnly,
      noSync: options.passing === true,
      // Else lmdb-js has a promise for each turn in which something is written, which nobody gets and which may reject.
      eventTurnBatching: options.transactsAside !== true,
      maxDbs: 8,
      ...binary,
    });
    return new Store(environment);
  }

  /** To be taken before the next read. @throws StateDamagedError */
  find(key: StateKey): FoundItem | undefined {
    const value = this.#items.getBinaryFast(key) as Buffer | undefined;
    return value === undefined ? undefined : foundIn({ key, value });
  }

  /**
   * The item that an entry of a global index leads to, if it is in memory, under the entry's key.
   * @param entry need not be checked: one that leads to an item has been.
   */
  kept(entry: FoundItem): FoundItem | undefined {
    return this.#memory.get(entry);
  }

  /**
   * The same out of LMDB, under the key of either; it may be kept then. Not for what is being applied, nor in a store beside
   * the one that applies, as it would miss what to forget.
   * @param entry checked.
   * @throws StateDamagedError
   */
  follow(entry: FoundItem): FoundItem | undefined {
    const found = this.find(itemKeyOf(entry));
    return found && this.#memory.offer(found, entry.key);
  }

  /**
   * The items in [start, end), from the end if `reverse`; each to be taken before the next one or any other read, and all
   * within one turn of the event loop.
   */
  range(start: StateKey, end: StateKey, reverse: boolean): StoredRange {
    return new StoredRange(this.#entries(start, end, reverse)[Symbol.iterator]());
  }

  /** The raw entries in [start, end), for whoever checks them. A value is there until the next is read. */
  rawRange(start: StateKey, end: StateKey): Iterable<Row> {
    return this.#entries(start, end, false);
  }

  /** At most `countMax` keys from [start, end). */
  keys(start: StateKey, end: StateKey, countMax: number): StateKey[] {
    return [...this.#items.getKeys({ start, end, limit: countMax })];
  }

  /** @throws StateDamagedError */
  meta(row: string): string | undefined {
    const bytes = this.#meta.get(row);
    return bytes && decodeRow(row, bytes);
  }

  /** @throws StateDamagedError while iterating */
  *metaRows(prefix: string): Generator<[string, string], void> {
    for (const { key, value } of this.#meta.getRange({ start: prefix, end: `${prefix}\uffff` })) {
      yield [key, decodeRow(key, value)];
    }
  }

  /**
   * Writes the entries, in key order, and after them the meta rows; on disk when it resolves. They are committed in
   * several transactions, one after the other, the meta rows in the last.
   */
  async apply(entries: Iterable<readonly [StateKey, OverlayEntry]>, meta: MetaRows): Promise<void> {
    let writes: Write[] = [];
    let bytes = 0;
    let sliceRoom = sliceCost;
    for (const [key, entry] of entries) {
      this.#memory.forget(key);
      const write = encodeWrite(key, entry);
      const writeBytes = write.value?.length ?? 0;
      writes.push(write);
      bytes += writeBytes;
      sliceRoom -= entryCost + writeBytes;
      if (writes.length >= commitWritesMax || bytes >= commitBytesMax) {
        await this.#commit(writes);
        writes = [];
        bytes = 0;
      } else if (sliceRoom <= 0) {
        await nextTurn();
        sliceRoom = sliceCost;
      }
    }
    await this.#commit(writes);
    await allCommitted(
      Array.from(meta, ([row, text]) =>
        text === undefined ? this.#meta.remove(row) : this.#meta.put(row, encodeRow(row, text)),
      ),
    );
  }

  /**
   * One transaction, on disk when this returns; what `write` throws takes it back. It holds up its thread, so it is for threads
   * that may wait; whose turn it is, `WriteTurns` say.
   */
  transact(write: (transaction: StoreTransaction) => void): void {
    this.#items.transactionSync(() => write(new StoreTransaction(this.#items)));
  }

  /**
   * The same, but this thread waits for none of it: `write` is called when LMDB's lock is held, and commit and sync are
   * left to another thread. It takes one of libuv's threads from then on, and while it waits for the lock. The store has to be
   * opened for it.
   */
  async transactAside(write: (transaction: StoreTransaction) => void): Promise<void> {
    try {
      // LMDB would commit a part of what a transaction that is none's child has written before it throws.
      await this.#items.childTransaction(() => write(new StoreTransaction(this.#items)));
    } catch (error) {
      throw await causeOf(error);
    }
  }

  /** From now on reads see everything that has been committed. */
  refresh(): void {
    this.#environment.resetReadTxn();
  }

  close(): Promise<void> {
    return this.#environment.close();
  }

  /**
   * LMDB commits what it has as soon as it has to wait for more. Handed over within one turn, which costs less than half
   * a microsecond a write, all goes into one transaction; in slices each would have its own, with its own copies of
   * the tree's pages and its own sync.
   */
  #commit(writes: readonly Write[]): Promise<void> {
    return allCommitted(
      writes.map(({ key, value }) =>
        value === undefined ? this.#items.remove(key) : this.#items.put(key, value),
      ),
    );
  }

  #entries(start: StateKey, end: StateKey, reverse: boolean): Iterable<Row> {
    if (!reverse) return this.#items.getRange({ start, end });
    return this.#items.getRange({
      start: end,
      end: start,
      reverse: true,
      exclusiveStart: true,
      inclusiveEnd: true,
    });
  }
}

/** A cursor in LMDB that is being read. */
export class StoredRange {
  readonly #rows: Iterator<Row, unknown>;

  constructor(rows: Iterator<Row, unknown>) {
    this.#rows = rows;
  }

  /** @returns undefined at the end. @throws StateDamagedError */
  next(): FoundItem | undefined {
    const { done, value: row } = this.#rows.next();
    return done === true ? undefined : foundIn(row as Row);
  }

  /** To be called unless the end was reached: the cursor is used again. */
  close(): void {
    this.#rows.return?.();
  }
}

interface Row {
  readonly key: StateKey;
  readonly value: Buffer;
}

function foundIn({ key, value }: Row): FoundItem {
  return FoundItem.stored(key, wholeOf(value), value.length);
}

/**
 * lmdb-js puts all values into one buffer and redefines its length, which makes its methods several times slower; this is
 * the same memory as an ordinary buffer.
 */
function wholeOf(value: Buffer): Buffer {
  if (value === viewed) return whole;
  viewed = value;
  whole = Buffer.from(value.buffer, value.byteOffset);
  return whole;
}

let viewed: Buffer | undefined;
let whole: Buffer = Buffer.alloc(0);

/** A key and its value as LMDB gets them; without a value it is removed. */
interface Write {
  readonly key: StateKey;
  readonly value: Buffer | undefined;
}

function encodeWrite(key: StateKey, { item }: OverlayEntry): Write {
  return { key, value: item && encodeValue(key, item) };
}

/** LMDB answers all writes of one commit with few promises. One that fails early is dealt with when its turn comes. */
async function allCommitted(writes: readonly Promise<boolean>[]): Promise<void> {
  const commits = new Set(writes);
  for (const commit of commits) commit.catch(causeOf);
  for (const commit of commits) {
    await commit.catch(async (error: unknown) => {
      throw await causeOf(error);
    });
  }
}

/** lmdb-js hangs a promise that rejects with the true cause on its error, and nobody but us looks after it. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  if (commitError === undefined) return error;
  return commitError.then(
    () => error,
    (cause: unknown) => cause,
  );
}

/** Like an item's value, a row carries a checksum over its name and text. */
function encodeRow(row: string, text: string): Buffer {
  const bytes = Buffer.alloc(rowHeaderBytes + Buffer.byteLength(text));
  bytes.write(text, rowHeaderBytes);
  bytes.writeUInt32BE(rowChecksum(row, bytes), 0);
  return bytes;
}

function decodeRow(row: string, bytes: Buffer): string {
  if (bytes.length < rowHeaderBytes || bytes.readUInt32BE(0) !== rowChecksum(row, bytes)) {
    throw new StateDamagedError(`the row ${row} of the table file has a wrong checksum`);
  }
  return bytes.toString('utf8', rowHeaderBytes);
}

function rowChecksum(row: string, bytes: Buffer): number {
  return crc32(bytes.subarray(rowHeaderBytes), crc32(row));
}

const rowHeaderBytes = 4;

/** Keys go between their strings and LMDB's memory without a buffer of their own. */
const stateKeys = {
  writeKey(key: StateKey, target: Buffer, start: number): number {
    const end = start + key.length;
    // lmdb-js takes more room when it meets this error.
    if (end > target.length) throw new RangeError('no room for the key');
    for (let i = 0; i < key.length; i++) target[start + i] = key.charCodeAt(i);
    return end;
  },
  readKey: (source: Buffer, start: number, end: number): StateKey => source.toString('latin1', start, end),
};

/** Values are read where lmdb-js has put them, without a copy; the next read overwrites them. */
const asTheyAre = { encode: (value: Buffer) => value, decode: (value: Buffer) => value };

const itemsDatabase = {
  name: 'items',
  encoding: 'binary',
  keyEncoder: stateKeys,
  encoder: asTheyAre,
} as const;

const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** To encode a slice of 500 small entries, or of 1 MB, costs the serving thread a millisecond or two. */
const sliceCost = 1024 * 1024;
const entryCost = sliceCost / 500;

/**
 * Writes of one transaction. Those to random places of a big table copy a page of 8 kB each: so many take 64 MB of memory
 * until they are on disk, and of the file twice as much, since what a commit frees can be used by the next but one.
 */
const commitWritesMax = 8192;
const commitBytesMax = 16 * 1024 * 1024;
