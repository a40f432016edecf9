import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { schemaInput } from '../model/printer.ts';
import type { Schema } from '../model/request.ts';
import { hashName, rangeName } from '../model/request.ts';
import { type Item, stable } from '../model/value.ts';
import { bucket, type HistoryStage } from './history-stage.ts';
import { type PastTable, secondInMs } from './past.ts';
import { outputOf } from './told.ts';

export type TransferFormat = 'DYNAMODB_JSON' | 'ION';

/** How an export has ended well. */
interface Exported {
  readonly ExportArn: string;
  readonly ExportStatus: string;
  readonly ExportManifest: string;
  readonly ItemCount: number;
  readonly FailureMessage?: string;
}

/** Exports a second of a table. @returns where in the bucket its data is. @throws Error where it counts other items than it should */
export async function exportSecond(
  stage: HistoryStage,
  name: string,
  secondMs: number,
  ExportFormat: TransferFormat,
  { items }: PastTable,
): Promise<string> {
  const ended = await exported(stage, {
    TableArn: arnOf(name),
    ExportFormat,
    ExportTime: secondMs / secondInMs,
  });
  if (ended.ItemCount !== items.length)
    throw new Error(`the export of ${name} at ${secondMs} has ${ended.ItemCount} items, not ${items.length}`);
  return ended.ExportManifest.replace('manifest-summary.json', 'data/');
}

/** Makes a table, without indexes, of what was exported. */
export async function importTable(
  stage: HistoryStage,
  name: string,
  prefix: string,
  InputFormat: TransferFormat,
  schema: Schema,
): Promise<void> {
  const { KeySchema, AttributeDefinitions } = schemaInput({ ...schema, indexes: [] });
  const { ImportTableDescription: begun } = outputOf(
    await stage.ask('ImportTable', {
      ClientToken: randomUUID(),
      S3BucketSource: { S3Bucket: bucket, S3KeyPrefix: prefix },
      InputFormat,
      InputCompressionType: 'GZIP',
      TableCreationParameters: {
        TableName: name,
        KeySchema,
        AttributeDefinitions,
        BillingMode: 'PAY_PER_REQUEST',
      },
    }),
  );
  const { ImportArn } = begun as { ImportArn: string };
  for (;;) {
    const told = outputOf(await stage.ask('DescribeImport', { ImportArn }));
    const { ImportStatus: status } = told.ImportTableDescription as { ImportStatus: string };
    if (status === 'COMPLETED') return;
    if (status !== 'IN_PROGRESS') throw new Error(`the import of ${prefix}: ${JSON.stringify(told)}`);
    await delay(pollMs);
  }
}

/**
 * Exports what has changed of a table from one second on, before another; the lines have to make the one state the other.
 * @throws Error where they do not
 */
export async function compareChanges(
  stage: HistoryStage,
  name: string,
  [fromMs, toMs]: readonly [number, number],
  [before, after]: readonly [PastTable, PastTable],
): Promise<void> {
  const ended = await exported(stage, {
    TableArn: arnOf(name),
    ExportType: 'INCREMENTAL_EXPORT',
    IncrementalExportSpecification: { ExportFromTime: fromMs / secondInMs, ExportToTime: toMs / secondInMs },
  });
  const items = byKey(before.items);
  for (const { Keys, OldImage, NewImage } of linesOf(stage, ended.ExportManifest)) {
    const key = stable(Keys);
    if (stable(OldImage) !== stable(items.get(key)))
      throw new Error(`${name}: ${key} was ${stable(OldImage)} in the export`);
    if (NewImage === undefined) items.delete(key);
    else items.set(key, NewImage);
  }
  const [got, wanted] = [items, byKey(after.items)].map((one) =>
    [...one.values()].map(stable).sort().join('\n'),
  );
  if (got !== wanted)
    throw new Error(`the changes of ${name} from ${fromMs} to ${toMs} make\n${got}\nnot\n${wanted}`);
}

interface ChangeLine {
  readonly Keys: Item;
  readonly OldImage?: Item;
  readonly NewImage?: Item;
}

function linesOf(stage: HistoryStage, manifest: string): ChangeLine[] {
  const { manifestFilesS3Key } = JSON.parse(`${stage.read(manifest)}`) as { manifestFilesS3Key: string };
  const files = lines(`${stage.read(manifestFilesS3Key)}`).map(
    (line) => JSON.parse(line) as { dataFileS3Key: string },
  );
  const texts = files.map(({ dataFileS3Key }) => `${gunzipSync(stage.read(dataFileS3Key))}`);
  return texts.flatMap(lines).map((line) => JSON.parse(line) as ChangeLine);
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function byKey(items: readonly Item[]): Map<string, Item> {
  const keyOf = (item: Item) =>
    Object.fromEntries(Object.entries(item).filter(([name]) => name === hashName || name === rangeName));
  return new Map(items.map((item) => [stable(keyOf(item)), item]));
}

async function exported(stage: HistoryStage, input: object): Promise<Exported> {
  const { ExportDescription: begun } = outputOf(
    await stage.ask('ExportTableToPointInTime', { S3Bucket: bucket, ...input }),
  );
  const { ExportArn } = begun as Exported;
  for (;;) {
    const { ExportDescription: told } = outputOf(await stage.ask('DescribeExport', { ExportArn }));
    const described = told as Exported;
    if (described.ExportStatus === 'COMPLETED') return described;
    if (described.ExportStatus !== 'IN_PROGRESS') throw new Error(`the export: ${JSON.stringify(described)}`);
    await delay(pollMs);
  }
}

const pollMs = 2;

function arnOf(name: string): string {
  return `arn:aws:dynamodb:us-east-1:000000000000:table/${name}`;
}
