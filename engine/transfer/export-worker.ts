import { serveWorker } from '../history/worker-thread.ts';
import { type BucketPlace, openBucket } from './bucket-place.ts';
import type { DataFile } from './data-files.ts';
import { type ExportRecord, exportFolder } from './export-record.ts';
import { type ExportSource, ExportWriter } from './export-writer.ts';
import { type ExportResult, manifests } from './manifest.ts';

/** What an exporting thread does: writes all files of one export. */
export interface ExportRequest {
  readonly record: ExportRecord;
  readonly place: BucketPlace;
  readonly source: ExportSource;
}

await serveWorker<ExportRequest, 'ended', ExportResult & { endMs: number }, number>(
  async ({ record, place, source }, context) => {
    const { bucket: name, region, bucketOwner: owner, encryption } = record;
    const bucket = await openBucket(place, {
      name,
      region,
      ...(owner !== undefined && { owner }),
      ...(encryption !== undefined && { encryption }),
    });
    try {
      await bucket.write(`${exportFolder(record)}_started`, chunksOf(''));
      const writer = new ExportWriter(record, bucket, context.signal);
      const { files, billedSizeBytes } = await writer.write(source);
      const result = { itemCount: itemsIn(files), billedSizeBytes };
      const endMs = await context.send('ended');
      for (const [file, content] of manifests(record, files, result, endMs)) {
        context.signal.throwIfAborted();
        await bucket.write(`${exportFolder(record)}${file}`, chunksOf(content));
      }
      return { ...result, endMs };
    } finally {
      bucket.close();
    }
  },
);

function itemsIn(files: readonly DataFile[]): number {
  return files.reduce((sum, { itemCount }) => sum + itemCount, 0);
}

async function* chunksOf(content: string): AsyncGenerator<Uint8Array, void> {
  if (content !== '') yield Buffer.from(content);
}
