import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import type { EngineOptions } from '../../../engine/engine-options.ts';
import type { Item } from '../../../protocol/attribute-value.ts';
import { systemClock } from '../../../protocol/clock.ts';
import { silentLogger } from '../../silent-logger.ts';
import { TestEngine } from '../engine-harness.ts';

/** How long there is to be waited for what takes a thread of its own. */
export const waiting = { timeout: 30_000, interval: 10 };
export const bucket = 'my-bucket';
export const region = 'us-east-1';
export const tableArn = (name: string) => `arn:aws:dynamodb:${region}:000000000000:table/${name}`;

export interface ExportDescription {
  readonly ExportArn: string;
  readonly ExportStatus: string;
  readonly ExportManifest: string;
  readonly ItemCount: number;
  readonly BilledSizeBytes: number;
  readonly FailureCode?: string;
  readonly FailureMessage?: string;
  readonly ClientToken: string;
}

export interface ImportDescription {
  readonly ImportArn: string;
  readonly ImportStatus: string;
  readonly TableId: string;
  readonly ErrorCount: number;
  readonly ProcessedItemCount: number;
  readonly ImportedItemCount: number;
  readonly ProcessedSizeBytes?: number;
  readonly FailureCode?: string;
  readonly FailureMessage?: string;
}

/** A line of what an incremental export has. */
export interface ChangeLine {
  readonly Metadata: { readonly WriteTimestampMicros: { readonly N: string } };
  readonly Keys: Item;
  readonly OldImage?: Item;
  readonly NewImage?: Item;
}

export interface LogLine {
  readonly message: string;
  readonly details: Record<string, unknown>;
}

/** An engine with a bucket in a folder, and a clock that the test moves forward. */
export class TransferEngine {
  readonly test: TestEngine;
  readonly log: LogLine[];
  readonly #time: { aheadMs: number };

  private constructor(test: TestEngine, time: { aheadMs: number }, log: LogLine[]) {
    this.test = test;
    this.#time = time;
    this.log = log;
  }

  static async open(options: Partial<EngineOptions> = {}): Promise<TransferEngine> {
    const time = { aheadMs: 0 };
    const log: LogLine[] = [];
    const keep = (details: object, message: string) => void log.push({ message, details: { ...details } });
    const clock = { now: () => systemClock.now() + time.aheadMs, monotonic: systemClock.monotonic };
    const test = await TestEngine.open({
      clock,
      log: { ...silentLogger, warn: keep, error: keep },
      ...options,
    });
    const engine = new TransferEngine(test, time, log);
    mkdirSync(engine.path(''), { recursive: true });
    return engine;
  }

  get nowMs(): number {
    return systemClock.now() + this.#time.aheadMs;
  }

  moveOn(ms: number): void {
    this.#time.aheadMs += ms;
  }

  /** Of a file in the bucket. */
  path(key: string): string {
    return join(this.test.directory, 'buckets', bucket, key);
  }

  call<T = Record<string, unknown>>(operation: string, input: object): Promise<T> {
    return this.test.call<T>(operation, input);
  }

  put(TableName: string, Item: object): Promise<unknown> {
    return this.call('PutItem', { TableName, Item });
  }

  async createWithRecovery(TableName: string, sortType?: 'S' | 'N' | 'B'): Promise<void> {
    await this.test.createTable(TableName, sortType);
    await this.call('UpdateContinuousBackups', {
      TableName,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  }

  async items(TableName: string): Promise<Item[]> {
    const items: Item[] = [];
    let ExclusiveStartKey: object | undefined;
    do {
      const page: { Items: Item[]; LastEvaluatedKey?: object } = await this.call('Scan', {
        TableName,
        ...(ExclusiveStartKey !== undefined && { ExclusiveStartKey }),
      });
      items.push(...page.Items);
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return items;
  }

  async startExport(TableName: string, more: object = {}): Promise<ExportDescription> {
    const { ExportDescription: begun } = await this.call<{ ExportDescription: ExportDescription }>(
      'ExportTableToPointInTime',
      { TableArn: tableArn(TableName), S3Bucket: bucket, ...more },
    );
    return begun;
  }

  async describeExport(ExportArn: string): Promise<ExportDescription> {
    const { ExportDescription: described } = await this.call<{ ExportDescription: ExportDescription }>(
      'DescribeExport',
      { ExportArn },
    );
    return described;
  }

  /** How an export has ended. */
  async export(TableName: string, more: object = {}): Promise<ExportDescription> {
    const { ExportArn } = await this.startExport(TableName, more);
    await expect
      .poll(async () => (await this.describeExport(ExportArn)).ExportStatus, waiting)
      .not.toBe('IN_PROGRESS');
    return this.describeExport(ExportArn);
  }

  async startImport(TableName: string, more: object = {}): Promise<ImportDescription> {
    const { ImportTableDescription: begun } = await this.call<{ ImportTableDescription: ImportDescription }>(
      'ImportTable',
      importInput(TableName, more),
    );
    return begun;
  }

  async describeImport(ImportArn: string): Promise<ImportDescription> {
    const { ImportTableDescription: described } = await this.call<{
      ImportTableDescription: ImportDescription;
    }>('DescribeImport', { ImportArn });
    return described;
  }

  /** How an import has ended. */
  async import(TableName: string, more: object = {}): Promise<ImportDescription> {
    const { ImportArn } = await this.startImport(TableName, more);
    return this.importEnded(ImportArn);
  }

  async importEnded(ImportArn: string): Promise<ImportDescription> {
    await expect
      .poll(async () => (await this.describeImport(ImportArn)).ImportStatus, waiting)
      .not.toBe('IN_PROGRESS');
    return this.describeImport(ImportArn);
  }

  /** All files in the bucket by their keys. */
  files(): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    for (const entry of readdirSync(this.path(''), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(this.path('').length + 1), readFileSync(path));
    }
    return files;
  }

  /** The lines of the data files that a manifest lists. */
  lines(ExportManifest: string): string[] {
    const files = this.files();
    const { manifestFilesS3Key } = JSON.parse(`${files.get(ExportManifest)}`) as {
      manifestFilesS3Key: string;
    };
    const listed = linesIn(`${files.get(manifestFilesS3Key)}`).map(
      (line) => (JSON.parse(line) as { dataFileS3Key: string }).dataFileS3Key,
    );
    return listed.flatMap((key) => linesIn(gunzipSync(files.get(key) ?? '').toString()));
  }

  exportedItems(ExportManifest: string): Item[] {
    return this.lines(ExportManifest).map((line) => (JSON.parse(line) as { Item: Item }).Item);
  }

  changeLines(ExportManifest: string): ChangeLine[] {
    return this.lines(ExportManifest).map((line) => JSON.parse(line) as ChangeLine);
  }
}

let tokens = 0;

/** For a table with partition key `p`. */
export function importInput(TableName: string, more: object = {}): object {
  return {
    ClientToken: `token-${tokens++}`,
    S3BucketSource: { S3Bucket: bucket, S3KeyPrefix: 'import/' },
    InputFormat: 'DYNAMODB_JSON',
    TableCreationParameters: {
      TableName,
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    },
    ...more,
  };
}

export function linesIn(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

export function byKey(items: readonly Item[]): Item[] {
  return [...items].sort((a, b) => (JSON.stringify(a.p) < JSON.stringify(b.p) ? -1 : 1));
}
