import { join } from 'node:path';
import type { LogMoment } from '../stream/definition.ts';
import type { HistoryWindow } from './window.ts';

/*
 * What lies in `history/` of the data folder:
 *
 *     progress.json                        how far the log has been taken apart (progress.ts)
 *     <sequence of enabling>/              one folder for each window
 *         base-<sequence>.archive          the table, begun after that change
 *         changes-<LSN>.archive            its changes in the log segment that begins there
 *
 * Numbers in file names have 16 digits. A file has its name only when it is whole and durable, and all that it has is durable in the
 * log.
 */

/** The table as it was at every moment between two. */
export interface BaseFile {
  readonly path: string;
  readonly fileBytes: number;
  /** The last change before it was begun; of the first one, the enabling. */
  readonly sequence: number;
  readonly from: LogMoment;
  readonly through: LogMoment;
  /** Of the items at `through`, as DynamoDB counts them. */
  readonly sizeBytes: number;
}

/** The changes of a window in one segment of the log: one at least. */
export interface ChangesFile {
  readonly path: string;
  readonly fileBytes: number;
  /** Of the segment. */
  readonly startLsn: number;
  readonly first: LogMoment;
  readonly last: LogMoment;
  /** The window's last change before these; 0 where there is none. It shows when a file is missing. */
  readonly previousSequence: number;
}

/** A file that cannot be opened as what its name says. */
export interface DamagedFile {
  readonly path: string;
  readonly fileBytes: number;
  /** What its name says: the LSN of a segment, or the sequence number of a base. */
  readonly number: number;
  readonly kind: 'base' | 'changes';
  /** Names the file, and what is wrong with it where. */
  readonly message: string;
}

export interface FoundFiles {
  readonly bases: readonly BaseFile[];
  readonly changes: readonly ChangesFile[];
  readonly damaged: readonly DamagedFile[];
}

/** The files of one window, as they are known to be there. */
export class WindowFiles {
  readonly window: HistoryWindow;
  /** The oldest first. */
  readonly bases: BaseFile[] = [];
  /** The oldest first. */
  readonly changes: ChangesFile[] = [];
  readonly damaged: DamagedFile[] = [];
  /** Of the last change that has gone into a file; 0 where none has. */
  lastSequence = 0;
  /** How many need a file, by its path. */
  readonly #pins = new Map<string, number>();

  constructor(window: HistoryWindow) {
    this.window = window;
  }

  /** Whether there has never been a base. */
  get isNew(): boolean {
    return this.bases.length === 0 && !this.damaged.some(({ kind }) => kind === 'base');
  }

  get bytes(): number {
    const all = [this.bases, this.changes, this.damaged].flat();
    return all.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
  }

  add({ bases, changes, damaged }: FoundFiles): void {
    this.bases.push(...bases);
    this.bases.sort((a, b) => a.sequence - b.sequence);
    this.changes.push(...changes);
    this.changes.sort((a, b) => a.startLsn - b.startLsn);
    this.damaged.push(...damaged);
  }

  /** Takes in a new base; a damaged one can have had its name. */
  addBase(base: BaseFile): void {
    forget(this.damaged, ({ path }) => path === base.path);
    this.add({ bases: [base], changes: [], damaged: [] });
  }

  /** Takes in the file of a segment, or again when the segment has been taken apart again. */
  addChanges(file: ChangesFile): void {
    forget(this.changes, ({ path }) => path === file.path);
    forget(this.damaged, ({ path }) => path === file.path);
    this.add({ bases: [], changes: [file], damaged: [] });
    this.lastSequence = file.last.sequence;
  }

  /** The files with changes behind this one, whatever else they hold. */
  changesAfter(sequence: number): ChangesFile[] {
    return this.changes.slice(this.#firstAfter(sequence));
  }

  /**
   * What is missing between a change and the end of some files that should follow it: the message names a file.
   * @param isAll the files reach to the end of what has gone into files.
   */
  gapIn(sequence: number, files: readonly ChangesFile[], isAll: boolean): string | undefined {
    let before = sequence;
    for (const [i, file] of files.entries()) {
      const { previousSequence: previous } = file;
      if (i === 0 ? previous > before : previous !== before) return this.#gap(before, file);
      before = file.last.sequence;
    }
    return isAll && before < this.lastSequence ? this.#gap(before, undefined) : undefined;
  }

  /** Keeps files from being removed until the returned function is called. */
  pin(paths: readonly string[]): () => void {
    for (const path of paths) this.#pins.set(path, (this.#pins.get(path) ?? 0) + 1);
    let isPinned = true;
    return () => {
      if (isPinned) for (const path of paths) this.#unpin(path);
      isPinned = false;
    };
  }

  get hasPins(): boolean {
    return this.#pins.size > 0;
  }

  isPinned(path: string): boolean {
    return this.#pins.has(path);
  }

  /** It has been removed. */
  removed(path: string): void {
    const isIt = (file: { readonly path: string }) => file.path === path;
    forget(this.bases, isIt);
    forget(this.changes, isIt);
    forget(this.damaged, isIt);
  }

  #unpin(path: string): void {
    const count = this.#pins.get(path) ?? 0;
    if (count > 1) this.#pins.set(path, count - 1);
    else this.#pins.delete(path);
  }

  /** By halving: a window can have tens of thousands of files. */
  #firstAfter(sequence: number): number {
    let [from, to] = [0, this.changes.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      const isAfter = (this.changes[middle]?.last.sequence ?? 0) > sequence;
      if (isAfter) to = middle;
      else from = middle + 1;
    }
    return from;
  }

  #gap(sequence: number, next: ChangesFile | undefined): string {
    const inside = this.damaged.find(
      ({ kind, number }) => kind === 'changes' && number < (next?.startLsn ?? Number.POSITIVE_INFINITY),
    );
    const behind = next === undefined ? `up to change ${this.lastSequence}` : `before ${next.path}`;
    return inside?.message ?? `a file with the changes behind ${sequence} is missing ${behind}`;
  }
}

/** @param history the folder of all windows. */
export function windowDirectory(history: string, sequence: number): string {
  return join(history, String(sequence));
}

/** The window whose folder has this name. */
export function windowOfDirectory(name: string): number | undefined {
  return /^[1-9]\d{0,15}$/.test(name) ? Number(name) : undefined;
}

export function basePath(directory: string, sequence: number): string {
  return join(directory, `base-${padded(sequence)}.archive`);
}

export function changesPath(directory: string, startLsn: number): string {
  return join(directory, `changes-${padded(startLsn)}.archive`);
}

/** What the name of a base ends with until all that it has is durable in the log. */
export const unsyncedSuffix = '.unsynced';

/** What the name of a file says; undefined for one that is not of a history. */
export function parseFileName(name: string): Pick<DamagedFile, 'kind' | 'number'> | undefined {
  const [, kind, number] = /^(base|changes)-(\d{16})\.archive$/.exec(name) ?? [];
  if (kind !== 'base' && kind !== 'changes') return undefined;
  return { kind, number: Number(number) };
}

function padded(number: number): string {
  return String(number).padStart(16, '0');
}

function forget<T>(list: T[], matches: (one: T) => boolean): void {
  const index = list.findIndex(matches);
  if (index >= 0) list.splice(index, 1);
}
