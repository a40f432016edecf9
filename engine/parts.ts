import { Backfills } from './backfill.ts';
import { CheckpointWriter } from './checkpoint-writer.ts';
import { Committer } from './commit.ts';
import { type DataDirectory, formatRaised, raiseFormat, syncDirectory } from './data-directory.ts';
import type { DataLock } from './data-lock.ts';
import { DiskReserve } from './disk-reserve.ts';
import type { EngineOptions } from './engine-options.ts';
import { nodeFiles } from './files.ts';
import { closeHistory, type HistoryParts, historyPinLsn, openHistory } from './history-parts.ts';
import { itemCollectionBytesMax } from './item-collections.ts';
import { TableLoads } from './loading/table-loads.ts';
import { raiseLocalIndexes } from './local-index-raise.ts';
import { Log } from './log/segments.ts';
import { Recovery } from './recovery.ts';
import type { Services } from './services.ts';
import { Applier } from './state/applier.ts';
import { State } from './state/state.ts';
import { Store } from './state/store.ts';
import { WriteTurns } from './state/write-turns.ts';
import { streamedChanges } from './stream/change.ts';
import { StreamHistory } from './stream/history.ts';
import { LogIndex } from './stream/log-index.ts';
import { ShardRoller } from './stream/roller.ts';
import { TableLife } from './table-life.ts';
import { Throughput } from './throughput.ts';
import { checkTransferOptions, closeTransfers, openTransfers, type Transfers } from './transfer/transfers.ts';
import { TimeToLiveSweeper } from './ttl.ts';

/** What an open engine consists of. */
export interface Parts {
  readonly lock: DataLock;
  readonly core: Core;
  readonly background: Background;
  readonly services: Services;
}

/**
 * Opens log and LMDB, brings them together, and starts what works by itself. What was opened is closed again if anything fails.
 * @throws LogDamagedError and whatever else keeps a folder from being served
 */
export async function openParts(
  options: EngineOptions,
  directory: DataDirectory,
  lock: DataLock,
): Promise<Parts> {
  checkTransferOptions(options);
  const store = Store.open(directory.state, { readOnly: false });
  // The names of LMDB's files have to last before the log, on the strength of LMDB, lets segments go.
  syncDirectory(directory.state);
  syncDirectory(directory.root);
  return orClose(store, async () => {
    const recovered = new Recovery(store);
    const streamIndex = new LogIndex();
    const log = await openLog(options, directory, recovered, streamIndex);
    return orClose(log, async () => {
      if (raiseFormat(directory)) {
        await raiseLocalIndexes(store, recovered.catalog, options.log);
        formatRaised(directory);
      }
      const core = await openCore({ options, directory, store, log, recovered, streamIndex });
      const background = startBackground(options, core);
      return { lock, core, background, services: servicesOf(options, core, background) };
    });
  });
}

/** Whatever fails to close, the others are closed; the first failure is thrown. */
export async function closeParts({ lock, core, background, services }: Parts): Promise<void> {
  for (const part of [services.tableLife, background.sweeper, background.roller, core.diskReserve])
    part.close();
  const failures: unknown[] = [];
  const transfers = { close: () => closeTransfers(core.transfers) };
  const history = { close: () => closeHistory(core.history) };
  for (const part of [
    core.tableLoads,
    transfers,
    history,
    core.committer,
    core.applier,
    core.log,
    core.store,
  ]) {
    await part.close().catch((error: unknown) => failures.push(error));
  }
  lock.release();
  if (failures.length > 0) throw failures[0];
}

/** The way of a write, and what reads see. */
interface Core {
  readonly stateDirectory: string;
  readonly store: Store;
  readonly log: Log;
  readonly recovered: Recovery;
  readonly state: State;
  readonly committer: Committer;
  readonly applier: Applier;
  readonly diskReserve: DiskReserve;
  readonly streamHistory: StreamHistory;
  readonly tableLoads: TableLoads;
  readonly history: HistoryParts;
  readonly transfers: Transfers;
}

/** What writes by itself, through the commit queue. */
interface Background {
  readonly tableLife: TableLife;
  readonly sweeper: TimeToLiveSweeper;
  readonly roller: ShardRoller;
}

interface Opened {
  readonly options: EngineOptions;
  readonly directory: DataDirectory;
  readonly store: Store;
  readonly log: Log;
  readonly recovered: Recovery;
  readonly streamIndex: LogIndex;
}

async function openCore(opened: Opened): Promise<Core> {
  const { options, directory, store, log, recovered } = opened;
  const { clock, replicaLagMs } = options;
  const { overlay } = recovered;
  const lag = replicaLagMs === 0 ? undefined : { clock, lagMs: replicaLagMs };
  // What is replayed was acknowledged before: readers that lag may have seen it, and must not see it vanish.
  if (lag !== undefined) overlay.keepReplaced(lag);
  const diskReserve = await DiskReserve.open({
    directory: directory.root,
    reserveBytes: options.diskReserveBytes,
    log: options.log,
  });
  const state = new State(overlay, store, lag);
  const streamHistory = new StreamHistory({
    source: log,
    index: opened.streamIndex,
    streams: recovered.catalog.streams,
    nextSequence: recovered.position.nextSequence,
  });
  const committer = new Committer({
    ...recovered,
    log,
    state,
    clock,
    diskReserve,
    overlayBytesMax: options.overlayBytesMax,
    onPublished: () => applier.committed(),
    onStreamed: (changes, startLsn, endLsn) => streamHistory.published(changes, startLsn, endLsn),
  });
  const checkpoints = new CheckpointWriter({
    recovered,
    committer,
    log,
    logger: options.log,
    pinLsn: () => Math.min(streamHistory.pinLsn(clock.now()), historyPinLsn(history)),
  });
  const history = await openHistory({ ...opened, committer, diskReserve });
  const turns = new WriteTurns();
  const applier = new Applier({
    store,
    overlay,
    droppedTables: recovered.droppedTables,
    log: options.log,
    applyBytes: options.overlayBytesMax / 2,
    syncLog: () => log.sync(),
    collectMeta: () => checkpoints.collect(),
    lag,
    turns,
    onFailed: () => committer.applyFailed(),
    onApplied: () => checkpoints.applied(),
  });
  const tableLoads = new TableLoads({
    ...recovered,
    committer,
    applier,
    stateDirectory: directory.state,
    turns,
    diskReserve,
    clock,
    log: options.log,
  });
  const { histories } = history;
  const transfers = await openTransfers({ options, directory, catalog: recovered.catalog, histories });
  return {
    stateDirectory: directory.state,
    store,
    log,
    recovered,
    state,
    committer,
    applier,
    diskReserve,
    streamHistory,
    tableLoads,
    history,
    transfers,
  };
}

function startBackground(options: EngineOptions, core: Core): Background {
  const { committer, state, applier, recovered, tableLoads, history, transfers } = core;
  const { catalog, overlay, statistics, droppedTables } = recovered;
  const { clock, log } = options;
  const overlayBytesMax = options.overlayBytesMax / 2;
  const common = { catalog, committer, clock, log };
  const backfills = new Backfills({ ...common, state, overlay, statistics, applier, overlayBytesMax });
  const tableLife = new TableLife({
    catalog,
    committer,
    backfills,
    deletedTables: history.deletedTables,
    controlPlaneDelayMs: options.controlPlaneDelayMs,
    log,
  });
  const sweeper = new TimeToLiveSweeper({
    ...common,
    state,
    overlay,
    sweepMs: options.ttlSweepMs,
    overlayBytesMax,
  });
  const roller = new ShardRoller({ ...common, shardMs: options.streamShardMs ?? streamShardMsDefault });
  sweeper.start();
  roller.start();
  for (const table of catalog.all()) tableLife.entered(table.definition);
  void tableLoads.recover((table) =>
    table.loading?.kind === 'import'
      ? transfers.imports.again(table)
      : history.restoreSources.again(table.loading, clock.now()),
  );
  if (!overlay.isEmpty || droppedTables.size > 0) applier.committed();
  return { tableLife, sweeper, roller };
}

function servicesOf(options: EngineOptions, core: Core, { tableLife }: Background): Services {
  const { state, committer, streamHistory, tableLoads, recovered, history, transfers } = core;
  const { catalog, statistics, transactionTokens } = recovered;
  return {
    catalog,
    state,
    statistics,
    committer,
    tableLife,
    tableLoads,
    backups: history.backups,
    histories: history.histories,
    scanSnapshots: history.scanSnapshots,
    restoreSources: history.restoreSources,
    ...transfers,
    controlPlaneDelayMs: options.controlPlaneDelayMs,
    transactionTokens,
    ttlChangeIntervalMs: options.ttlChangeIntervalMs,
    throughput: new Throughput({ enforcement: options.capacity, catalog, clock: options.clock }),
    streamHistory,
    streamShards: options.streamShards ?? streamShardsDefault,
    itemCollectionBytesMax: options.itemCollectionBytesMax ?? itemCollectionBytesMax,
    clock: options.clock,
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

async function orClose<T>(part: { close(): Promise<void> }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await part.close();
    throw error;
  }
}

const streamShardsDefault = 4;
const streamShardMsDefault = 4 * 60 * 60 * 1000;

/** How long the log is quiet before a mark proves its last batch durable. */
const idleMarkMs = 50;
