import { randomBytes } from 'node:crypto';
import type { Clock } from '../../protocol/clock.ts';
import { limitExceeded } from '../../protocol/errors.ts';
import type { Logger } from '../../protocol/logger.ts';
import type { Catalog } from '../catalog.ts';
import type { LoadPlan, SnapshotSummary } from '../history/load-plan.ts';
import type { Statistics } from '../statistics.ts';
import type { TableDefinition } from '../table-definition.ts';
import { type ArchiveDigest, type BackupManifest, backupArnOf } from './backup-manifest.ts';
import type { BackupStore } from './backup-store.ts';

export interface BackupsOptions {
  readonly store: BackupStore;
  readonly snapshots: SnapshotTaker;
  /** The definition of the plan's table at its moment. */
  readonly definitionAt: (plan: LoadPlan) => Promise<TableDefinition>;
  /** Makes durable what has been published. */
  readonly syncLog: () => Promise<void>;
  readonly digest: (path: string, signal: AbortSignal) => Promise<ArchiveDigest>;
  /** The committed tables. */
  readonly catalog: Catalog;
  readonly statistics: Statistics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Copies a table as it is at one moment into an archive, while writes go on. */
export interface SnapshotTaker {
  take(options: {
    readonly table: TableDefinition;
    readonly archivePath: string;
    readonly signal: AbortSignal;
  }): Promise<SnapshotSummary>;
}

/** A backup as it can be told of: one that is there, or one that is being made. */
export type Backup = Pick<
  BackupManifest,
  'id' | 'name' | 'type' | 'createdMs' | 'expiresMs' | 'table' | 'itemCount' | 'sizeBytes'
> & { readonly status: 'CREATING' | 'AVAILABLE' };

/**
 * The backups that there are and those that are being made.
 *
 *     announce (CREATING) -> [waiting] -> make: snapshot, digest, manifest -> AVAILABLE -> remove
 *                  '-- forget             '-- fails: removed, with a log line
 *
 * Invariants
 *  1. A backup is AVAILABLE from the turn in which all of it is durable under its own name.
 *  2. From `announce` on until then its table is held: who deletes the table waits (`reads`).
 *  3. A snapshot is begun after `announce`, so it holds everything that was acknowledged before the backup was asked for.
 *  4. What a backup has, and the deletion that has left it, is durable in the log before the backup is: power loss takes neither
 *     back.
 *  5. A crash leaves nothing of a backup that was being made: it is the caller's to ask again.
 *
 * At most `makingMax` are made at once, so that reading the tables takes little of disk and processors; others wait, at most
 * `waitingMax` of them.
 */
export class Backups {
  readonly #options: BackupsOptions;
  /** In the order in which they were announced. */
  readonly #creating = new Map<string, Creation>();
  #making = 0;
  #closed = false;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: BackupsOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => void this.#sweep(), sweepMs);
    this.#sweeper.unref();
    void this.#sweep();
  }

  /** The backup of this id, if it is of a table of this region and name. */
  find(region: string, tableName: string, id: string): Backup | undefined {
    const backup = this.#creating.get(id)?.backup ?? this.#available(id);
    return backup?.table.region === region && backup.table.name === tableName ? backup : undefined;
  }

  /** All of a region's, in the order of their ARNs. */
  list(region: string): Backup[] {
    const available = Array.from(this.#options.store.all(), ({ id }) => this.#available(id) ?? []).flat();
    const creating = Array.from(this.#creating.values(), ({ backup }) => backup);
    return [...available.filter(({ id }) => !this.#creating.has(id)), ...creating]
      .filter(({ table }) => table.region === region)
      .map((backup) => ({ backup, arn: backupArnOf(backup) }))
      .sort((a, b) => (a.arn < b.arn ? -1 : 1))
      .map(({ backup }) => backup);
  }

  /** Looks for backups that others have put into the folder, or taken away. */
  rescan(): Promise<void> {
    return this.#options.store.rescan();
  }

  /** What a backup that is there is restored from. */
  planOf(backup: BackupManifest): LoadPlan {
    return planOf(backup, this.#options.store.archivePath(backup.id));
  }

  /** A backup that is there and can be restored. */
  manifest(id: string): BackupManifest | undefined {
    return this.#available(id) === undefined ? undefined : this.#options.store.get(id);
  }

  /** Whether a backup of this table is being made, or waits to be. */
  reads(tableNumber: number): boolean {
    for (const { backup } of this.#creating.values()) if (backup.table.number === tableNumber) return true;
    return false;
  }

  /** Resolves when no backup of this table is being made any more. */
  async readsEnd(tableNumber: number): Promise<void> {
    const creations = [...this.#creating.values()].filter(
      ({ backup }) => backup.table.number === tableNumber,
    );
    await Promise.all(creations.map(({ ended }) => ended));
  }

  /** Whether a deleted table has left its backup. */
  hasLeft(tableId: string): boolean {
    for (const { type, table } of this.#options.store.all()) {
      if (type === 'SYSTEM' && table.id === tableId) return true;
    }
    return false;
  }

  /**
   * Reserves a backup, and the table for it; `make` makes it.
   * @throws LimitExceededException
   */
  announce(table: TableDefinition, { name, type }: Pick<Backup, 'name' | 'type'>): Backup {
    if (this.#creating.size >= waitingMax) {
      throw limitExceeded(`There is a limit of ${waitingMax} backups that are being created at once`);
    }
    const createdMs = this.#options.clock.now();
    const backup: Backup = {
      id: this.#newId(type, createdMs),
      name,
      type,
      createdMs,
      ...(type === 'SYSTEM' && { expiresMs: createdMs + systemBackupLifeMs }),
      table,
      ...this.#options.statistics.of(table.number),
      status: 'CREATING',
    };
    this.#creating.set(backup.id, new Creation(backup));
    return backup;
  }

  /** Takes back an announcement of which nothing has come. */
  forget({ id }: Backup): void {
    this.#end(id);
  }

  /**
   * Makes an announced backup, when its turn has come.
   * @throws why there is none; it is gone then
   */
  async make({ id }: Backup, signal?: AbortSignal): Promise<BackupManifest> {
    const creation = this.#creating.get(id);
    if (creation === undefined) throw new Error(`the backup ${id} was not announced`);
    signal?.addEventListener('abort', () => creation.abort(signal.reason), { once: true });
    if (signal?.aborted) creation.abort(signal.reason);
    if (this.#closed) creation.abort(closingError());
    try {
      await this.#turnOf(creation);
      return await this.#make(creation).finally(() => this.#making--);
    } finally {
      this.#end(id);
      this.#startNext();
    }
  }

  /** The same, for whoever does not wait: where none is made, a log line says why. */
  makeAside(backup: Backup): void {
    const { log } = this.#options;
    const names = { table: backup.table.name, backup: backupArnOf(backup) };
    this.make(backup).catch((error: unknown) => {
      if (this.#closed) log.warn(names, 'a backup is not made, as the server shuts down');
      else log.error({ err: error, ...names }, 'a backup could not be made; nothing is left of it');
    });
  }

  /** It cannot be found from the call on; resolves when that lasts. */
  remove({ id }: Backup): Promise<void> {
    return this.#options.store.remove(id);
  }

  /** Gives up what is being made, and waits until nothing of it is left. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeper);
    const creations = [...this.#creating.values()];
    for (const creation of creations) creation.abort(closingError());
    await Promise.all(creations.map(({ ended }) => ended));
  }

  #available(id: string): Backup | undefined {
    const manifest = this.#options.store.get(id);
    if (manifest === undefined || isExpired(manifest, this.#options.clock.now())) return undefined;
    return { ...manifest, status: 'AVAILABLE' };
  }

  /** AWS's have eight random digits; those of deleted tables have zeros. */
  #newId(type: Backup['type'], createdMs: number): string {
    for (let ms = createdMs; ; ms++) {
      const end = type === 'SYSTEM' ? '00000000' : randomBytes(4).toString('hex');
      const id = `${ms.toString().padStart(14, '0')}-${end}`;
      if (!this.#creating.has(id) && this.#options.store.get(id) === undefined) return id;
    }
  }

  #turnOf(creation: Creation): Promise<void> {
    creation.isReady = true;
    this.#startNext();
    return creation.turn;
  }

  #startNext(): void {
    for (const creation of this.#creating.values()) {
      if (this.#making >= makingMax) return;
      if (!creation.isReady || creation.signal.aborted) continue;
      this.#making++;
      creation.start();
    }
  }

  async #make(creation: Creation): Promise<BackupManifest> {
    const { store, log } = this.#options;
    const { id } = creation.backup;
    const archivePath = await store.begin(id);
    try {
      const manifest = await this.#makeIn(archivePath, creation);
      await store.finish(manifest);
      return manifest;
    } catch (error) {
      await store.abandon(id).catch((failure: unknown) => {
        log.warn({ err: failure, backup: id }, 'cannot remove what was made of a backup');
      });
      throw error;
    }
  }

  async #makeIn(archivePath: string, { backup, signal }: Creation): Promise<BackupManifest> {
    const { snapshots, syncLog, digest, definitionAt } = this.#options;
    const summary = await snapshots.take({ table: backup.table, archivePath, signal });
    await syncLog();
    const archive = await digest(archivePath, signal);
    const plan = planOf({ table: backup.table, through: summary.through }, archivePath);
    const { status: _status, ...described } = backup;
    const table = await definitionAt(plan);
    signal.throwIfAborted();
    return {
      ...described,
      table,
      itemCount: summary.itemCount,
      sizeBytes: summary.sizeBytes,
      through: summary.through,
      archive,
    };
  }

  #end(id: string): void {
    const creation = this.#creating.get(id);
    this.#creating.delete(id);
    creation?.end();
  }

  /** Removes what has expired, unless a restore still needs it. */
  async #sweep(): Promise<void> {
    const { store, catalog, clock, log } = this.#options;
    const expired = [...store.all()].filter((backup) => isExpired(backup, clock.now()));
    for (const { id } of expired.filter((backup) => !isRestoredFrom(backup, catalog))) {
      await store.remove(id).catch((error: unknown) => {
        log.warn({ err: error, backup: id }, 'cannot remove a backup that has expired; trying again later');
      });
    }
  }
}

/** How long the backup of a deleted table is kept (AWS: PointInTimeRecovery_Howitworks). */
const systemBackupLifeMs = 35 * 24 * 60 * 60 * 1000;

/** Between two looks for backups that have expired. They are not served any more before that. */
const sweepMs = 60 * 60 * 1000;

/** Backups that are made at once. */
const makingMax = 2;

/** Backups that are made, or wait to be (AWS: ServiceQuotas, 500 operations of the control plane at once). */
const waitingMax = 500;

/** A backup on its way. */
class Creation {
  readonly backup: Backup;
  /** Rejects with the reason of an abort before. */
  readonly turn: Promise<void>;
  readonly ended: Promise<void>;
  /** Whether it waits for its turn. */
  isReady = false;
  end: () => void = () => {};
  readonly #aborter = new AbortController();
  #resolveTurn: () => void = () => {};

  constructor(backup: Backup) {
    this.backup = backup;
    this.turn = new Promise((resolve, reject) => {
      this.#resolveTurn = resolve;
      this.signal.addEventListener('abort', () => reject(this.signal.reason));
    });
    // It may be aborted before anybody waits for it.
    this.turn.catch(() => {});
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  start(): void {
    this.isReady = false;
    this.#resolveTurn();
  }

  abort(reason: unknown): void {
    this.#aborter.abort(reason);
  }
}

function closingError(): Error {
  return new Error('the server is shutting down');
}

/** Whether a table is being restored from the backup. @param catalog with everything evaluated, where that counts. */
export function isRestoredFrom(backup: Pick<Backup, 'id' | 'table'>, catalog: Catalog): boolean {
  const arn = backupArnOf(backup);
  for (const { definition } of catalog.all()) {
    const { loading } = definition;
    if (loading?.kind === 'restore' && loading.sourceBackupArn === arn) return true;
  }
  return false;
}

function planOf({ table, through }: Pick<BackupManifest, 'table' | 'through'>, base: string): LoadPlan {
  return { base, changes: [], table: table.number, through: { sequence: through.sequence } };
}

function isExpired({ expiresMs }: BackupManifest, nowMs: number): boolean {
  return expiresMs !== undefined && expiresMs <= nowMs;
}
