import type { MessagePort } from 'node:worker_threads';
import { Table } from '../catalog.ts';
import type { LoadedRow } from '../history/load-plan.ts';
import { serveWorker, type WorkerContext } from '../history/worker-thread.ts';
import { feedRows } from '../loading/row-feed.ts';
import type { TableDefinition } from '../table-definition.ts';
import { type BucketPlace, openBucket } from './bucket-place.ts';
import { ImportReader, type Rejection } from './import-reader.ts';
import type { ImportCounts, ImportRecord } from './import-record.ts';

/** What an importing thread does: reads the objects, and feeds their items to the thread that loads the table. */
export interface ImportRequest {
  readonly record: ImportRecord;
  readonly place: BucketPlace;
  readonly table: TableDefinition;
  /** Given away. */
  readonly port: MessagePort;
}

export type ImportMessage =
  | { readonly kind: 'progress'; readonly counts: ImportCounts }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** All has been read; the loading ends when that has been dealt with. */
  | { readonly kind: 'read'; readonly counts: ImportCounts };

/** Log lines that an import may cause. */
const rejectionsTold = 100;

await serveWorker<ImportRequest, ImportMessage, void>(async (request, context) => {
  const failures: unknown[] = [];
  await feedRows(request.port, noting(rowsOf(request, context), failures));
  if (failures.length > 0) throw failures[0];
});

async function* rowsOf(
  { record, place, table }: ImportRequest,
  context: WorkerContext<ImportMessage>,
): AsyncGenerator<LoadedRow[], void> {
  const { S3Bucket: name, S3BucketOwner: owner } = record.source;
  const bucket = await openBucket(place, {
    name,
    region: record.region,
    ...(owner !== undefined && { owner }),
  });
  try {
    let told = 0;
    const reader = new ImportReader({
      bucket,
      import: record,
      table: new Table(table),
      onRejected: (rejection) => {
        if (told++ < rejectionsTold) void context.send({ kind: 'rejected', rejection });
      },
    });
    for await (const rows of reader.rows()) {
      await context.send({ kind: 'progress', counts: reader.counts });
      yield rows;
    }
    await context.send({ kind: 'read', counts: reader.counts });
  } finally {
    bucket.close();
  }
}

/** The feed hands on the words of an error only. */
async function* noting<T>(source: AsyncIterable<T>, failures: unknown[]): AsyncGenerator<T, void> {
  try {
    yield* source;
  } catch (error) {
    failures.push(error);
    throw error;
  }
}
