import type { Backend, ChangeFeed, Request } from '../protocol/backend.ts';
import { serviceUnavailable, unknownOperation } from '../protocol/errors.ts';
import type { Reply } from '../protocol/reply.ts';
import { prepareDataDirectory } from './data-directory.ts';
import { DataLock } from './data-lock.ts';
import { type DiskUse, diskUse } from './disk-use.ts';
import type { EngineOptions } from './engine-options.ts';
import { createBackup, deleteBackup, describeBackup, listBackups } from './operation/backups.ts';
import { batchWriteItem } from './operation/batch-write.ts';
import { describeContinuousBackups, updateContinuousBackups } from './operation/continuous-backups.ts';
import { describeLimits } from './operation/describe.ts';
import { describeExport, exportTableToPointInTime, listExports } from './operation/export-table.ts';
import { describeImport, importTable, listImports } from './operation/import-table.ts';
import { query } from './operation/query.ts';
import { batchGetItem, getItem } from './operation/read.ts';
import { restoreTableFromBackup, restoreTableToPointInTime } from './operation/restore-table.ts';
import { scanOrSnapshotScan } from './operation/snapshot-scan.ts';
import { describeStream, getRecords, getShardIterator, listStreams } from './operation/stream.ts';
import { createTable, deleteTable, describeTable, listTables, updateTable } from './operation/table.ts';
import { transactGetItems } from './operation/transact-get.ts';
import { transactWriteItems } from './operation/transact-write.ts';
import { describeTimeToLive, updateTimeToLive } from './operation/ttl.ts';
import { deleteItem, putItem, updateItem } from './operation/write.ts';
import { closeParts, openParts, type Parts } from './parts.ts';
import type { Services } from './services.ts';

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

  /** What it has on its disk. */
  diskUse(): DiskUse {
    const { log, history, stateDirectory } = this.#parts.core;
    return diskUse(stateDirectory, log, history.histories, history.backupStore);
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
    CreateBackup: createBackup,
    CreateTable: createTable,
    DeleteBackup: deleteBackup,
    DeleteItem: deleteItem,
    DeleteTable: deleteTable,
    DescribeBackup: describeBackup,
    DescribeContinuousBackups: describeContinuousBackups,
    DescribeExport: describeExport,
    DescribeImport: describeImport,
    DescribeLimits: describeLimits,
    DescribeStream: describeStream,
    DescribeTable: describeTable,
    DescribeTimeToLive: describeTimeToLive,
    ExportTableToPointInTime: exportTableToPointInTime,
    GetItem: getItem,
    GetRecords: getRecords,
    GetShardIterator: getShardIterator,
    ImportTable: importTable,
    ListBackups: listBackups,
    ListExports: listExports,
    ListImports: listImports,
    ListStreams: listStreams,
    ListTables: listTables,
    PutItem: putItem,
    Query: query,
    RestoreTableFromBackup: restoreTableFromBackup,
    RestoreTableToPointInTime: restoreTableToPointInTime,
    Scan: scanOrSnapshotScan,
    TransactGetItems: transactGetItems,
    TransactWriteItems: transactWriteItems,
    UpdateContinuousBackups: updateContinuousBackups,
    UpdateItem: updateItem,
    UpdateTable: updateTable,
    UpdateTimeToLive: updateTimeToLive,
  }),
);
