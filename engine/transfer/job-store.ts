import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../protocol/logger.ts';
import { nodeFiles } from '../files.ts';

/** What is remembered of every export and import. */
export interface JobRecord {
  /** Ends its ARN: 14 digits of milliseconds since 1970, a hyphen, eight hexadecimal digits. */
  readonly id: string;
  readonly region: string;
  readonly tableName: string;
  readonly tableId: string;
  readonly clientToken: string;
  readonly startMs: number;
  /** Absent while it is under way. */
  readonly endMs?: number;
  readonly status: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
}

/**
 * Exports or imports, a small file for each; they are forgotten after 90 days (AWS: API_ListExports, API_ListImports), and before that
 * where there are too many.
 *
 *  1. A file is written whole, under another name, synced and renamed: a crash leaves the old record or the new one.
 *  2. What is told is what is in the files, but for records whose first writing is under way: they are there from `add` on, so that
 *     no second one is made meanwhile.
 *  3. The writes of one store follow one another.
 */
export class JobStore<T extends JobRecord> {
  readonly #directory: string;
  readonly #records: Map<string, T>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, records: Map<string, T>) {
    this.#directory = directory;
    this.#records = records;
  }

  /** @throws what keeps the folder from being read or made; a file that cannot be read is told of and left alone */
  static async open<T extends JobRecord>(directory: string, log: Logger): Promise<JobStore<T>> {
    await nodeFiles.makeDirectory(directory);
    const records = new Map<string, T>();
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (name.endsWith(partialSuffix)) await rm(path, { force: true });
      if (!name.endsWith(suffix)) continue;
      try {
        const record = JSON.parse(await readFile(path, 'utf8')) as T;
        records.set(record.id, record);
      } catch (error) {
        log.error({ err: error, path }, 'cannot read what is remembered of an export or import');
      }
    }
    return new JobStore(directory, records);
  }

  get(id: string): T | undefined {
    return this.#records.get(id);
  }

  /** The newest first. */
  all(): T[] {
    return [...this.#records.values()].sort((a, b) => (a.id > b.id ? -1 : 1));
  }

  newId(nowMs: number): string {
    for (let ms = nowMs; ; ms++) {
      const id = `${ms.toString().padStart(14, '0')}-${randomBytes(4).toString('hex')}`;
      if (!this.#records.has(id)) return id;
    }
  }

  /** Those that are under way. */
  countUnderWay(): number {
    let count = 0;
    for (const { status } of this.#records.values()) if (status === 'IN_PROGRESS') count++;
    return count;
  }

  /** The newest with this token that has begun at this time or later. */
  byToken(region: string, token: string, sinceMs: number): T | undefined {
    return this.all().find(
      (record) => record.region === region && record.clientToken === token && record.startMs >= sinceMs,
    );
  }

  /** It is there from the call on, and durable when this resolves; where that fails it is not there any more. */
  async add(record: T): Promise<void> {
    this.#records.set(record.id, record);
    try {
      await this.#inTurn(() => this.#write(record));
    } catch (error) {
      this.#records.delete(record.id);
      throw error;
    }
    if (this.#records.size > recordsMax) await this.#removeOldest();
  }

  /** Told of when it is durable. */
  update(record: T): Promise<void> {
    return this.#inTurn(async () => {
      await this.#write(record);
      this.#records.set(record.id, record);
    });
  }

  /** Told of, though not durable: what is under way. */
  show(record: T): void {
    if (this.#records.has(record.id)) this.#records.set(record.id, record);
  }

  remove(id: string): Promise<void> {
    this.#records.delete(id);
    return this.#inTurn(() => rm(this.#pathOf(id), { force: true }));
  }

  /** Forgets what has ended before. */
  async removeEndedBefore(timeMs: number): Promise<void> {
    for (const { id, endMs } of this.all()) {
      if (endMs !== undefined && endMs < timeMs) await this.remove(id);
    }
  }

  /** Resolves when everything is durable that was to be remembered before. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #removeOldest(): Promise<void> {
    const oldest = this.all().findLast(({ endMs }) => endMs !== undefined);
    if (oldest !== undefined) await this.remove(oldest.id);
  }

  #pathOf(id: string): string {
    return join(this.#directory, `${id}${suffix}`);
  }

  async #write(record: T): Promise<void> {
    const path = this.#pathOf(record.id);
    const partial = `${path}${partialSuffix}`;
    await rm(partial, { force: true });
    const file = await nodeFiles.create(partial, 'buffered');
    try {
      const bytes = Buffer.from(`${JSON.stringify(record)}\n`);
      if ((await file.write(bytes, 0)) < bytes.length) throw new Error(`${partial}: the disk is full`);
      await file.sync();
    } finally {
      await file.close();
    }
    await nodeFiles.rename(partial, path);
    await nodeFiles.syncDirectory(this.#directory);
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

const suffix = '.json';
const partialSuffix = '.partial';

/** Some megabytes in memory. */
const recordsMax = 10_000;

/** How long ended exports and imports are told of. */
export const rememberedMs = 90 * 24 * 60 * 60 * 1000;

/** How long a ClientToken stands for its request (AWS: API_ExportTableToPointInTime). */
export const tokenLifeMs = 8 * 60 * 60 * 1000;
