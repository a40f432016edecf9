import type { Backend, ChangeFeed, Request } from '../protocol/backend.ts';
import type { Clock } from '../protocol/clock.ts';
import { serviceUnavailable, unknownOperation } from '../protocol/errors.ts';
import type { Logger } from '../protocol/logger.ts';
import type { Reply } from '../protocol/reply.ts';
import { Backfills } from './backfill.ts';
import type { Catalog } from './catalog.ts';
import { type AppliedTable, checkpointRows, type Position } from './checkpoint.ts';
import { Committer } from './commit.ts';
import {
  type DataDirectory,
  formatRaised,
  prepareDataDirectory,
  raiseFormat,
  syncDirectory,
} from './data-directory.ts';
import { DataLock } from './data-lock.ts';
import { DiskReserve } from './disk-reserve.ts';
import { type Files, nodeFiles } from './files.ts';
import { itemCollectionBytesMax } from './item-collections.ts';
import { raiseLocalIndexes } from './local-index-raise.ts';
import { Log } from './log/segments.ts';
import { batchWriteItem } from './operation/batch-write.ts';
import { describeLimits } from './operation/describe.ts';
import { query, scan } from './operation/query.ts';
import { batchGetItem, getItem } from './operation/read.ts';
import { describeStream, getRecords, getShardIterator, listStreams } from './operation/stream.ts';
import { createTable, deleteTable, describeTable, listTables, updateTable } from './operation/table.ts';
import { transactGetItems } from './operation/transact-get.ts';
import { transactWriteItems } from './operation/transact-write.ts';
import { describeTimeToLive, updateTimeToLive } from './operation/ttl.ts';
import { deleteItem, putItem, updateItem } from './operation/write.ts';
import { Recovery } from './recovery.ts';
import type { Services } from './services.ts';
import { Applier } from './state/applier.ts';
import { State } from './state/state.ts';
import { Store } from './state/store.ts';
import type { Statistics } from './statistics.ts';
import { streamedChanges } from './stream/change.ts';
import { StreamHistory } from './stream/history.ts';
import { LogIndex } from './stream/log-index.ts';
import { ShardRoller } from './stream/roller.ts';
import type { TableDefinition } from './table-definition.ts';
import { TableLife } from './table-life.ts';
import { type CapacityEnforcement, Throughput } from './throughput.ts';
import { TimeToLiveSweeper } from './ttl.ts';

export interface EngineOptions {
  /** Made if missing; one process at a time. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** `relaxed`: acknowledge before the log is synced; power loss can take back the last writes. */
  readonly durability: 'sync' | 'relaxed';
  /** A log segment is closed when it is longer; 1 MiB or more. */
  readonly logSegmentBytesMax: number;
  /** Committed writes that LMDB has not taken yet; writers wait when there are more. */
  readonly overlayBytesMax: number;
  /** Free bytes of the disk below which writes are refused. */
  readonly diskReserveBytes: number;
  /** Which limits of throughput throttle calls. */
  readonly capacity: CapacityEnforcement;
  /** How long tables stay CREATING, UPDATING and DELETING. */
  readonly controlPlaneDelayMs: number;
  /** Between two sweeps for expired items. */
  readonly ttlSweepMs: number;
  /** How long after a change of its TTL a table refuses another one; 0 for not at all. */
  readonly ttlChangeIntervalMs: number;
  /** Into how many shards a new stream is cut: 1 to 32, 4 unless said. */
  readonly streamShards?: number;
  /** How long a shard of a stream is open; AWS's four hours unless said. */
  readonly streamShardMs?: number;
  /** Eventually consistent reads and global indexes are so much behind, to test against; 0 for not at all. */
  readonly replicaLagMs: number;
  /** AWS's limit of 10 GB unless said, in bytes. */
  readonly itemCollectionBytesMax?: number;
  readonly log: Logger;
  /** The log can no longer be trusted; the process must end. */
  readonly onFatal: (error: Error) => void;
  /** Where the log lies, if not in the data folder on the operating system's files. */
  readonly logPlace?: { readonly files: Files; readonly directory: string };
}

/** The bundled table engine: the DynamoDB API on a durable log with LMDB behind it. */
export class Engine implements Backend {
  readonly changes: ChangeFeed;
  readonly lagMs: number;
  readonly #parts: Parts;
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts, lagMs: number) {
    this.#parts = parts;
    this.lagMs = lagMs;
    this.changes = parts.services.committer;
  }

  /**
   * Opens the folder, replays what LMDB lacks, and is ready.
   * @throws DataDirectoryInUseError, DataDirectoryError, LogDamagedError; their messages name file and fix
   */
  static async open(options: EngineOptions): Promise<Engine> {
    const directory = prepareDataDirectory(options.dataDirectory);
    const lock = DataLock.acquire(directory.root);
    try {
      return new Engine(await openParts(options, directory, lock), options.replicaLagMs);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  call(request: Request): Reply | Promise<Reply> {
    if (this.#closing !== undefined) throw serviceUnavailable('The server is shutting down.');
    const operation = operations.get(request.operation);
    if (operation === undefined) throw unknownOperation();
    return operation(this.#parts.services, request);
  }

  /** Answers what was called, brings LMDB up to date, and closes all files. */
  close(): Promise<void> {
    this.#closing ??= closeParts(this.#parts);
    return this.#closing;
  }
}

type OperationHandler = (services: Services, request: Request) => Reply | Promise<Reply>;

const operations: ReadonlyMap<string, OperationHandler> = new Map(
  Object.entries({
    BatchGetItem: batchGetItem,
    BatchWriteItem: batchWriteItem,
    CreateTable: createTable,
    DeleteItem: deleteItem,
    DeleteTable: deleteTable,
    DescribeLimits: describeLimits,
    DescribeStream: describeStream,
    DescribeTable: describeTable,
    DescribeTimeToLive: describeTimeToLive,
    GetItem: getItem,
    GetRecords: getRecords,
    GetShardIterator: getShardIterator,
    ListStreams: listStreams,
    ListTables: listTables,
    PutItem: putItem,
    Query: query,
    Scan: scan,
    TransactGetItems: transactGetItems,
    TransactWriteItems: transactWriteItems,
    UpdateItem: updateItem,
    UpdateTable: updateTable,
    UpdateTimeToLive: updateTimeToLive,
  }),
);

interface Parts {
  readonly lock: DataLock;
  readonly store: Store;
  readonly applier: Applier;
  readonly diskReserve: DiskReserve;
  readonly log: Log;
  readonly sweeper: TimeToLiveSweeper;
  readonly roller: ShardRoller;
  readonly services: Services;
}

async function openParts(options: EngineOptions, directory: DataDirectory, lock: DataLock): Promise<Parts> {
  const store = Store.open(directory.state, { readOnly: false });
  // The names of LMDB's files have to last before the log, on the strength of LMDB, lets segments go.
  syncDirectory(directory.state);
  syncDirectory(directory.root);
  try {
    return await startParts(options, directory, lock, store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function startParts(
  options: EngineOptions,
  directory: DataDirectory,
  lock: DataLock,
  store: Store,
): Promise<Parts> {
  const { clock, replicaLagMs } = options;
  const lag = replicaLagMs === 0 ? undefined : { clock, lagMs: replicaLagMs };
  const recovered = new Recovery(store);
  const { overlay, catalog, statistics, droppedTables, transactionTokens } = recovered;
  const streamIndex = new LogIndex();
  const log = await openLog(options, directory, recovered, streamIndex);
  if (raiseFormat(directory)) {
    await raiseLocalIndexes(store, catalog, options.log);
    formatRaised(directory);
  }
  const streamHistory = new StreamHistory({
    source: log,
    index: streamIndex,
    streams: catalog.streams,
    nextSequence: recovered.position.nextSequence,
  });
  // What is replayed was acknowledged before: readers that lag may have seen it, and must not see it vanish.
  if (lag !== undefined) overlay.keepReplaced(lag);
  const diskReserve = await DiskReserve.open({
    directory: directory.root,
    reserveBytes: options.diskReserveBytes,
    log: options.log,
  });
  const state = new State(overlay, store, lag);
  const committer = new Committer({
    log,
    state,
    overlay,
    catalog,
    statistics,
    droppedTables,
    transactionTokens,
    clock: options.clock,
    position: recovered.position,
    diskReserve,
    overlayBytesMax: options.overlayBytesMax,
    onPublished: () => applier.committed(),
    onStreamed: (changes, startLsn, endLsn) => streamHistory.published(changes, startLsn, endLsn),
  });
  let applyingLsn = 0;
  const applier = new Applier({
    store,
    overlay,
    droppedTables,
    log: options.log,
    applyBytes: options.overlayBytesMax / 2,
    syncLog: () => log.sync(),
    collectMeta: () => {
      applyingLsn = committer.publishedLsn;
      return checkpointRows(
        positionOf(committer, catalog),
        changedTables(catalog, statistics),
        droppedTables,
        [transactionTokens.startApplying(), catalog.streams.startApplying()],
      );
    },
    lag,
    onFailed: () => committer.applyFailed(),
    onApplied: () => {
      statistics.applied();
      transactionTokens.applied();
      catalog.streams.applied();
      committer.overlayReleased();
      void removeUnneededSegments(log, Math.min(applyingLsn, streamHistory.pinLsn(clock.now())), options.log);
    },
  });
  const backfills = new Backfills({
    catalog,
    state,
    overlay,
    statistics,
    committer,
    applier,
    clock: options.clock,
    log: options.log,
    overlayBytesMax: options.overlayBytesMax / 2,
  });
  const tableLife = new TableLife({
    catalog,
    committer,
    backfills,
    controlPlaneDelayMs: options.controlPlaneDelayMs,
    log: options.log,
  });
  const sweeper = new TimeToLiveSweeper({
    catalog,
    state,
    overlay,
    committer,
    clock,
    log: options.log,
    sweepMs: options.ttlSweepMs,
    overlayBytesMax: options.overlayBytesMax / 2,
  });
  const roller = new ShardRoller({
    catalog,
    committer,
    clock,
    log: options.log,
    shardMs: options.streamShardMs ?? streamShardMsDefault,
  });
  sweeper.start();
  roller.start();
  for (const table of catalog.all()) tableLife.entered(table.definition);
  if (!overlay.isEmpty || droppedTables.size > 0) applier.committed();
  return {
    lock,
    store,
    applier,
    diskReserve,
    log,
    sweeper,
    roller,
    services: {
      catalog,
      state,
      statistics,
      committer,
      tableLife,
      transactionTokens,
      ttlChangeIntervalMs: options.ttlChangeIntervalMs,
      throughput: new Throughput({ enforcement: options.capacity, catalog, clock }),
      streamHistory,
      streamShards: options.streamShards ?? streamShardsDefault,
      itemCollectionBytesMax: options.itemCollectionBytesMax ?? itemCollectionBytesMax,
      clock,
    },
  };
}

/** Opens the log, and replays what LMDB lacks; the index learns of all that streams may be asked for. */
function openLog(
  options: EngineOptions,
  directory: DataDirectory,
  recovered: Recovery,
  streamIndex: LogIndex,
): Promise<Log> {
  const { streams } = recovered.catalog;
  return Log.open(
    {
      ...(options.logPlace ?? { files: nodeFiles, directory: directory.log }),
      segmentBytesMax: options.logSegmentBytesMax,
      appliedTo: recovered.position.lsn,
      syncMode: options.durability === 'sync' ? 'group' : 'relaxed',
      idleMarkMs,
      onFatal: options.onFatal,
      history: {
        visit: (entries, startLsn, endLsn) =>
          streamIndex.add(streamedChanges(entries, streams), startLsn, endLsn),
        isWhole: !streams.isEmpty,
      },
    },
    (entries, endLsn) => recovered.replay(entries, endLsn),
  );
}

function positionOf(committer: Committer, catalog: Catalog): Position {
  return {
    lsn: committer.publishedLsn,
    nextSequence: committer.nextSequence,
    lastTimeMs: committer.lastTimeMs,
    nextTableNumber: catalog.nextNumber,
  };
}

function changedTables(catalog: Catalog, statistics: Statistics): Map<number, AppliedTable | undefined> {
  const tables = new Map<number, AppliedTable | undefined>();
  for (const number of statistics.startApplying()) {
    const definition = catalog.byNumber(number)?.definition;
    tables.set(number, definition && appliedTable(definition, statistics));
  }
  return tables;
}

function appliedTable(definition: TableDefinition, statistics: Statistics): AppliedTable {
  const indexStatistics = Object.fromEntries(
    definition.indexes.map(({ number }) => [number, statistics.of(number)]),
  );
  return { definition, statistics: statistics.of(definition.number), indexStatistics };
}

/** Nothing needs a segment any more that LMDB has taken whole, and no stream has to show. */
async function removeUnneededSegments(log: Log, neededLsn: number, logger: Logger): Promise<void> {
  try {
    await log.removeBefore(neededLsn);
  } catch (error) {
    logger.warn({ err: error }, 'cannot remove old log segments; trying again after the next apply');
  }
}

/** Whatever fails to close, the others are closed; the first failure is thrown. */
async function closeParts({
  lock,
  store,
  applier,
  diskReserve,
  log,
  sweeper,
  roller,
  services,
}: Parts): Promise<void> {
  services.tableLife.close();
  sweeper.close();
  roller.close();
  diskReserve.close();
  await services.committer.close();
  const failures: unknown[] = [];
  for (const part of [applier, log, store]) {
    await part.close().catch((error: unknown) => failures.push(error));
  }
  lock.release();
  if (failures.length > 0) throw failures[0];
}

const streamShardsDefault = 4;
const streamShardMsDefault = 4 * 60 * 60 * 1000;

/** How long the log is quiet before a mark proves its last batch durable. */
const idleMarkMs = 50;
