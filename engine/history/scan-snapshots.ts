import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { limitExceeded } from '../../protocol/errors.ts';
import { Overlay } from '../state/overlay.ts';
import { State } from '../state/state.ts';
import type { TableDefinition } from '../table-definition.ts';
import { PrivateStore } from './private-store.ts';
import type { Snapshots } from './snapshot.ts';

/** A table as it was at one moment, to be scanned page by page. */
export interface ScanSnapshot {
  readonly id: string;
  /** The table's number. */
  readonly table: number;
  /** The last change that it holds; the log's. */
  readonly sequence: number;
  readonly state: State;
}

/**
 * Snapshots of tables for scans that take many calls, of one state of the table. Each takes the table's size on the disk until
 * nobody has read from it for `idleMs`.
 *
 * 1. A snapshot is begun after the call that asks for it, so it holds everything that was acknowledged before.
 * 2. It is never closed within a call that reads it: such a call is one turn.
 */
export class ScanSnapshots {
  readonly #directory: string;
  readonly #snapshots: Snapshots;
  readonly #idleMs: number;
  readonly #open = new Map<string, OpenSnapshot>();
  readonly #closing = new AbortController();
  readonly #making = new Set<Promise<unknown>>();

  /** @param directory what a former process has left in it is removed. */
  constructor(directory: string, snapshots: Snapshots, idleMs = idleMsDefault) {
    this.#directory = directory;
    this.#snapshots = snapshots;
    this.#idleMs = idleMs;
    rmSync(directory, { recursive: true, force: true });
  }

  /** @throws LimitExceededException; as `Snapshots.take` */
  async take(table: TableDefinition): Promise<ScanSnapshot> {
    if (this.#open.size + this.#making.size >= snapshotsMax) {
      throw limitExceeded(`There is a limit of ${snapshotsMax} snapshots for scans at once`);
    }
    const making = this.#make(table);
    this.#making.add(making);
    try {
      return await making;
    } finally {
      this.#making.delete(making);
    }
  }

  /** @returns undefined where it was dropped, or never was. */
  find(id: string): ScanSnapshot | undefined {
    const open = this.#open.get(id);
    open?.timer.refresh();
    return open?.snapshot;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the engine is closing'));
    await Promise.allSettled(this.#making);
    await Promise.all(Array.from(this.#open.keys(), (id) => this.#drop(id)));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #make(table: TableDefinition): Promise<ScanSnapshot> {
    const { signal } = this.#closing;
    const id = randomUUID();
    const archivePath = join(this.#directory, `${id}.archive`);
    mkdirSync(this.#directory, { recursive: true });
    try {
      const { through } = await this.#snapshots.take({ table, archivePath, signal });
      const plan = { base: archivePath, changes: [], table: table.number, through };
      const store = await PrivateStore.make(plan, join(this.#directory, id), { signal });
      const state = new State(new Overlay(), store.store);
      const snapshot = { id, table: table.number, sequence: through.sequence, state };
      const timer = setTimeout(() => void this.#drop(id), this.#idleMs);
      this.#open.set(id, { snapshot, store, timer: timer.unref() });
      return snapshot;
    } finally {
      rmSync(archivePath, { force: true });
    }
  }

  async #drop(id: string): Promise<void> {
    const open = this.#open.get(id);
    this.#open.delete(id);
    clearTimeout(open?.timer);
    await open?.store.close();
  }
}

interface OpenSnapshot {
  readonly snapshot: ScanSnapshot;
  readonly store: PrivateStore;
  readonly timer: NodeJS.Timeout;
}

/** Each takes its table's size on the disk. */
const snapshotsMax = 8;
const idleMsDefault = 5 * 60 * 1000;
