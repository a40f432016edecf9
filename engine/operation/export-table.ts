import { randomUUID } from 'node:crypto';
import type { Request } from '../../protocol/backend.ts';
import {
  exportConflict,
  exportNotFound,
  invalidExportTime,
  pointInTimeRecoveryUnavailable,
  sourceTableNotFound,
  validationError,
} from '../../protocol/errors.ts';
import type { ExportTableToPointInTimeInput } from '../../protocol/operation.ts';
import { Reply } from '../../protocol/reply.ts';
import {
  validateDescribeExport,
  validateExportTable,
  validateListExports,
} from '../../protocol/validate/export.ts';
import { readTransferArn, readTransferTableArn } from '../../protocol/validate/transfer-arn.ts';
import type { Catalog } from '../catalog.ts';
import type { Services } from '../services.ts';
import type { TableDefinition } from '../table-definition.ts';
import type { ExportedPart, ExportRecord } from '../transfer/export-record.ts';
import { exportDescription, exportSummary } from './export-description.ts';
import { requestDigest } from './request-digest.ts';
import { transferPage } from './transfer-page.ts';

/** AWS: API_ExportTableToPointInTime. */
export async function exportTableToPointInTime(services: Services, request: Request): Promise<Reply> {
  const input = validateExportTable(request.input);
  const { exports } = services;
  if (input.S3SseAlgorithm === 'KMS' && exports.places.kind === 'folder')
    throw validationError('S3SseAlgorithm KMS is not supported where buckets are folders');
  const table = exportedTable(services.catalog, request.region, input.TableArn);
  const known = replayed(services, request.region, input);
  if (known !== undefined) await exports.settled();
  const record = known ?? (await exports.begin(newExport(input, table, services), table));
  return new Reply({ ExportDescription: exportDescription(record) });
}

/** AWS: API_DescribeExport. */
export function describeExport({ exports }: Services, request: Request): Reply {
  const { ExportArn: arn } = validateDescribeExport(request.input);
  const { region, tableName, id } = readTransferArn('export', arn);
  if (region !== request.region) throw exportNotFound('Invalid export arn');
  const record = exports.find(id);
  if (record?.region !== region || record.tableName !== tableName)
    throw exportNotFound(`Export not found: ${arn}`);
  return new Reply({ ExportDescription: exportDescription(record) });
}

/** AWS: API_ListExports; the newest first. With a table, only those of the one that is there now (measured). */
export function listExports({ exports, catalog }: Services, request: Request): Reply {
  const { TableArn: arn, MaxResults: countMax, NextToken: token } = validateListExports(request.input);
  const table = arn === undefined ? undefined : readTransferTableArn(arn);
  const tableId = table && catalog.get(table.region, table.tableName)?.definition.id;
  const all = exports.list(request.region);
  const asked = table === undefined ? all : all.filter((record) => record.tableId === tableId);
  const { records, ...next } = transferPage('exports', asked, countMax, token);
  return new Reply({ ExportSummaries: records.map(exportSummary), ...next });
}

/** @throws TableNotFoundException, also for one of another region; ValidationException, AccessDeniedException */
function exportedTable(catalog: Catalog, region: string, arn: string): TableDefinition {
  const named = readTransferTableArn(arn);
  const table = named.region === region ? catalog.get(region, named.tableName)?.definition : undefined;
  if (table === undefined || table.status === 'CREATING') throw sourceTableNotFound(arn);
  return table;
}

/** The export that the token stands for, if it does. @throws ExportConflictException */
function replayed(
  { exports }: Services,
  region: string,
  input: ExportTableToPointInTimeInput,
): ExportRecord | undefined {
  if (input.ClientToken === undefined) return undefined;
  const known = exports.byToken(region, input.ClientToken);
  if (known !== undefined && known.digest !== requestDigest(input)) throw exportConflict();
  return known;
}

function newExport(
  input: ExportTableToPointInTimeInput,
  table: TableDefinition,
  services: Services,
): Omit<ExportRecord, 'id' | 'status'> {
  const { S3SseAlgorithm: algorithm, S3SseKmsKeyId: keyId } = input;
  const startMs = services.clock.now();
  return {
    region: table.region,
    tableName: table.name,
    tableId: table.id,
    clientToken: input.ClientToken ?? randomUUID(),
    digest: requestDigest(input),
    startMs,
    bucket: input.S3Bucket,
    ...(input.S3BucketOwner !== undefined && { bucketOwner: input.S3BucketOwner }),
    ...(input.S3Prefix !== undefined && { prefix: input.S3Prefix }),
    ...(algorithm !== undefined && { encryption: { algorithm, ...(keyId !== undefined && { keyId }) } }),
    format: input.ExportFormat ?? 'DYNAMODB_JSON',
    namesFullType: input.ExportType === 'FULL_EXPORT',
    of:
      input.ExportType === 'INCREMENTAL_EXPORT'
        ? incrementalPart(input, table, services, startMs)
        : fullPart(input, table, services, startMs),
  };
}

/** @throws PointInTimeRecoveryUnavailableException, InvalidExportTimeException */
function fullPart(
  { ExportTime: moment }: ExportTableToPointInTimeInput,
  table: TableDefinition,
  { histories }: Services,
  nowMs: number,
): ExportedPart {
  const bounds = histories.restorable(table, nowMs);
  if (bounds === undefined) throw pointInTimeRecoveryUnavailable(table.name);
  if (moment === undefined) return { kind: 'full', exportMs: nowMs, throughMs: nowMs };
  const exportMs = Math.floor(moment) * 1000;
  // In this order, as measured.
  if (!(exportMs >= bounds.earliestMs && exportMs <= nowMs))
    throw invalidExportTime('Export Time is invalid');
  if (exportMs > bounds.latestMs) throw notAvailable();
  return { kind: 'full', exportMs, throughMs: exportMs + lastMsOfSecond };
}

/**
 * Times are looked at before point-in-time recovery is (measured).
 * @throws InvalidExportTimeException, PointInTimeRecoveryUnavailableException
 */
function incrementalPart(
  { IncrementalExportSpecification: specification }: ExportTableToPointInTimeInput,
  table: TableDefinition,
  { histories }: Services,
  nowMs: number,
): ExportedPart {
  const { ExportFromTime: from = 0, ExportToTime: to, ExportViewType: view } = specification ?? {};
  const bounds = histories.restorable(table, nowMs);
  const fromMs = Math.round(from * 1000);
  const endMs = bounds === undefined ? nowMs : bounds.latestMs + 1000;
  const toMs = to === undefined ? Math.min(endMs, nowMs) : Math.round(to * 1000);
  checkPeriod(fromMs, toMs, table, nowMs);
  if (bounds === undefined) throw pointInTimeRecoveryUnavailable(table.name);
  if (fromMs < bounds.earliestMs || toMs > endMs) throw notAvailable();
  return { kind: 'incremental', fromMs, toMs, view: view ?? 'NEW_AND_OLD_IMAGES' };
}

function checkPeriod(fromMs: number, toMs: number, { createdMs }: TableDefinition, nowMs: number): void {
  const period = 'Incremental export period';
  // Tables are created within a second; times are given in seconds.
  if (fromMs < Math.floor(createdMs / 1000) * 1000) {
    throw invalidExportTime(
      `${period} from time cannot be less than the table creation time : ${isoTime(fromMs)}`,
    );
  }
  if (toMs > nowMs) {
    throw invalidExportTime(`${period} to time cannot be greater than the current time : ${isoTime(toMs)}`);
  }
  const difference = 'Difference between export period from time and export period to time';
  if (toMs - fromMs < periodMinMs) throw invalidExportTime(`${difference} is less than 15 minutes`);
  if (toMs - fromMs > periodMaxMs) throw invalidExportTime(`${difference} is greater than 24 hours`);
}

/** AWS: S3DataExport_Requesting. */
const periodMinMs = 15 * 60 * 1000;
const periodMaxMs = 24 * 60 * 60 * 1000;
const lastMsOfSecond = 999;

function notAvailable(): Error {
  return invalidExportTime('Point in Time Recovery is not available for specified export time');
}

/** Without fractions; what no date can be, as it is. */
function isoTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms / 1000}` : date.toISOString().replace(/\.\d+Z$/, 'Z');
}
