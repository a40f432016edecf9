import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Files, nodeFiles, type WritableFile } from '../files.ts';
import type { Change } from '../log/record.ts';
import type { LogMoment } from '../stream/definition.ts';
import {
  type ArchiveContents,
  type BlockEntry,
  blockHeaderBytes,
  encodeArchiveHeader,
  encodeIndex,
  encodeTrailer,
  writeBlockHeader,
} from './archive-format.ts';
import { ChangeBlock, ItemBlock } from './block.ts';
import { compress } from './compression.ts';
import type { ItemKey } from './load-plan.ts';

/** What the name of an archive ends with until it is whole; whoever starts may remove such files. */
export const partialSuffix = '.partial';

/**
 * Writes an archive, rows first, the items before the changes.
 *
 * Invariants
 *
 * 1. Under its own name a file is whole and durable: it is written under another one, synced, renamed, and its directory synced.
 * 2. Writes follow each other, one at a time, and the first failure is thrown by all that is called after it.
 * 3. What waits to be written is bounded if `drained` is awaited now and then: `waitingBytesMax`, and what was added since.
 * 4. The disk gets the bytes as they come, `syncBytes` at a time. Synced all at once they would hold up the log's own syncs, for
 *    seconds.
 */
export class ArchiveWriter {
  readonly #files: Files;
  readonly #path: string;
  readonly #file: WritableFile;
  readonly #items = new ItemBlock();
  readonly #changes = new ChangeBlock();
  readonly #blocks: BlockEntry[] = [];
  /** Where the next bytes go. */
  #offset = 0;
  #unsyncedBytes = 0;
  #waitingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** What the file is called now. */
  #name: string;

  private constructor(files: Files, path: string, file: WritableFile) {
    this.#files = files;
    this.#path = path;
    this.#name = path + partialSuffix;
    this.#file = file;
    this.#write(encodeArchiveHeader());
  }

  /** @param path of the archive when it is whole; what was there before is replaced then. */
  static async create(path: string, files: Files = nodeFiles): Promise<ArchiveWriter> {
    const partial = path + partialSuffix;
    await removeIfThere(files, partial);
    return new ArchiveWriter(files, path, await files.create(partial, 'buffered'));
  }

  /** How long the file is so far. */
  get bytes(): number {
    return this.#offset;
  }

  /**
   * Items come in the order of their keys. A copy is made.
   * @param size in bytes as DynamoDB counts. @param json has the item's DynamoDB JSON from `start` to `end`.
   */
  addItem(key: ItemKey, size: number, json: Buffer, start = 0, end = json.length): void {
    if (this.#items.add(key, size, json, start, end)) return;
    this.#endItems();
    this.#items.add(key, size, json, start, end);
  }

  /** Changes come in the order of their sequence numbers, after all items. A copy is made. */
  addChange(moment: LogMoment, change: Change): void {
    this.#endItems();
    this.#changes.add(moment, change);
    if (this.#changes.isFull) this.#endChanges();
  }

  /** Waits while too much waits to be written. To be awaited after some 100 kB of rows. */
  async drained(): Promise<void> {
    if (this.#waitingBytes > waitingBytesMax) await this.#writing;
    this.#assertGood();
  }

  /** Ends the archive and gives it its name. @returns the length of the file, in bytes. */
  async finish(contents: ArchiveContents): Promise<number> {
    this.#endItems();
    this.#endChanges();
    this.#writeFooter(Buffer.from(JSON.stringify(contents)));
    await this.#writing;
    this.#assertGood();
    await this.#file.sync();
    await this.#close();
    await this.#files.rename(this.#name, this.#path);
    this.#name = this.#path;
    await this.#files.syncDirectory(dirname(this.#path));
    return this.#offset;
  }

  /** Leaves nothing behind; instead of `finish`, or after it has failed. */
  async abandon(): Promise<void> {
    await this.#writing;
    await this.#close().catch(() => {});
    await removeIfThere(this.#files, this.#name);
  }

  /** Once: by the second time its descriptor may be that of another file. */
  #close(): Promise<void> {
    this.#closed ??= this.#file.close();
    return this.#closed;
  }

  #endItems(): void {
    const { rows, bytes } = this.#items;
    if (rows === 0) return;
    this.#addBlock({ kind: 'items', rows, catalogRows: 0, first: undefined, last: undefined }, bytes);
    this.#items.clear();
  }

  #endChanges(): void {
    const { rows, catalogRows, first, last } = this.#changes;
    if (rows > 0) this.#addBlock({ kind: 'changes', rows, catalogRows, first, last }, this.#changes.take());
  }

  #addBlock(of: BlockRows, raw: Buffer): void {
    const stored = compress(raw);
    const block = {
      ...of,
      offset: this.#offset,
      rawBytes: raw.length,
      storedBytes: stored.length,
      checksum: crc32(stored),
    };
    const frame = Buffer.allocUnsafe(blockHeaderBytes + stored.length);
    writeBlockHeader(frame, this.#blocks.length, block);
    stored.copy(frame, blockHeaderBytes);
    this.#blocks.push(block);
    this.#write(frame);
  }

  #writeFooter(summary: Buffer): void {
    const index = encodeIndex(this.#blocks);
    const trailer = encodeTrailer({
      summaryOffset: this.#offset,
      summaryBytes: summary.length,
      blockCount: this.#blocks.length,
      checksum: crc32(index, crc32(summary)),
    });
    for (const part of [summary, index, trailer]) this.#write(part);
  }

  #write(bytes: Buffer): void {
    const offset = this.#offset;
    this.#offset += bytes.length;
    this.#waitingBytes += bytes.length;
    this.#writing = this.#writing.then(async () => {
      await this.#writeNow(bytes, offset).catch((error: unknown) => {
        this.#failure ??= { error };
      });
      this.#waitingBytes -= bytes.length;
    });
  }

  async #writeNow(bytes: Buffer, offset: number): Promise<void> {
    if (this.#failure !== undefined) return;
    const written = await this.#file.write(bytes, offset);
    if (written < bytes.length) throw noSpace(this.#path);
    this.#unsyncedBytes += written;
    if (this.#unsyncedBytes < syncBytes) return;
    this.#unsyncedBytes = 0;
    await this.#file.sync();
  }

  #assertGood(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

type BlockRows = Pick<BlockEntry, 'kind' | 'rows' | 'catalogRows' | 'first' | 'last'>;

const waitingBytesMax = 4 * 1024 * 1024;
const syncBytes = 4 * 1024 * 1024;

async function removeIfThere(files: Files, path: string): Promise<void> {
  try {
    await files.remove(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** What the system says when a write that it has cut short is tried again. */
function noSpace(path: string): Error {
  return Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), { code: 'ENOSPC' });
}
