import type { Item } from '../../protocol/attribute-value.ts';
import { canonicalKey } from '../../protocol/key.ts';
import { deserialize } from '../../protocol/validate/deserialize.ts';
import { checkItem, checkItemKey } from '../../protocol/validate/item.ts';
import { attributeMap, structure } from '../../protocol/validate/shape.ts';
import type { Table } from '../catalog.ts';
import type { LoadedRow } from '../history/load-plan.ts';
import { itemJson } from '../item-json.ts';
import { checkIndexKeys } from '../operation/index-keys.ts';
import { itemKey } from '../state/layout.ts';
import type { Bucket, BucketObject } from './bucket.ts';
import { BucketError } from './bucket-error.ts';
import { csvItems } from './csv.ts';
import { decompressed } from './decompression.ts';
import { dynamodbJson } from './dynamodb-json.ts';
import type { ImportCounts, ImportRecord } from './import-record.ts';
import { ionText } from './ion.ts';
import type { ItemFormat } from './item-format.ts';
import { linesOf } from './lines.ts';

/** What was not imported, and why. */
export interface Rejection {
  readonly key: string;
  /** Of the object, from 1 on: lines, or the rows of CSV. */
  readonly line: number;
  readonly reason: string;
  /** Nothing behind it in the object was imported either. */
  readonly endsObject: boolean;
}

export interface ImportReaderOptions {
  readonly bucket: Bucket;
  readonly import: Pick<ImportRecord, 'source' | 'format' | 'formatOptions' | 'compression'>;
  readonly table: Table;
  readonly onRejected: (rejection: Rejection) => void;
}

/**
 * Reads the items of all objects whose keys begin with the prefix. As AWS does (measured): an item that no table of this kind can have is
 * left out; what is no item at all, and damage, ends its object. Either counts as one error.
 */
export class ImportReader {
  readonly #options: ImportReaderOptions;
  #processedBytes = 0;
  #importedItems = 0;
  #errors = 0;
  #batch: LoadedRow[] = [];
  #batchBytes = 0;
  #bucketFailure: unknown;

  constructor(options: ImportReaderOptions) {
    this.#options = options;
  }

  get counts(): ImportCounts {
    return {
      processedBytes: this.#processedBytes,
      importedItems: this.#importedItems,
      errors: this.#errors,
    };
  }

  /** Rows in batches of a megabyte or so. @throws BucketError; what keeps the bucket from being read */
  async *rows(): AsyncGenerator<LoadedRow[], void> {
    const { bucket, import: job } = this.#options;
    for await (const object of bucket.list(job.source.S3KeyPrefix ?? '')) {
      for await (const _ of this.#readObject(object)) if (this.#batchBytes >= batchBytes) yield this.#take();
    }
    if (this.#batch.length > 0) yield this.#take();
  }

  #take(): LoadedRow[] {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    return batch;
  }

  /** Yields now and then. */
  async *#readObject(object: BucketObject): AsyncGenerator<undefined, void> {
    const place: Place = { line: 0 };
    try {
      for await (const found of this.#itemsOf(object, place)) {
        for (const { item, line } of found) this.#add(item, object.key, line);
        yield undefined;
      }
    } catch (error) {
      if (this.#bucketFailure !== undefined) throw this.#bucketFailure;
      this.#reject(object.key, place.line, error, true);
    }
  }

  /** What is wrong with the bucket, rather than with an object in it, is wrong with the whole import. */
  async *#bytesOf(object: BucketObject): AsyncGenerator<Uint8Array, void> {
    try {
      yield* this.#options.bucket.read(object);
    } catch (error) {
      if (!(error instanceof BucketError && ofObjects.has(error.failureCode))) this.#bucketFailure = error;
      throw error;
    }
  }

  async *#itemsOf(object: BucketObject, place: Place): AsyncGenerator<LineItem[], void> {
    const { import: job, table } = this.#options;
    const content = this.#counted(decompressed(this.#bytesOf(object), job.compression));
    if (job.format !== 'CSV') {
      yield* linedItems(content, job.format === 'ION' ? ionText : dynamodbJson, place);
      return;
    }
    const { Delimiter: delimiter, HeaderList: header } = job.formatOptions?.Csv ?? {};
    const options = {
      ...(delimiter !== undefined && { delimiter }),
      ...(header !== undefined && { header }),
    };
    for await (const item of csvItems(content, options, table.definition.attributeDefinitions))
      yield [{ item, line: ++place.line }];
  }

  async *#counted(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of content) {
      this.#processedBytes += chunk.length;
      yield chunk;
    }
  }

  #add(raw: Item, key: string, line: number): void {
    try {
      const row = rowOf(raw, this.#options.table);
      this.#batch.push(row);
      this.#batchBytes += row.key.length + (row.image?.json.length ?? 0);
      this.#importedItems++;
    } catch (error) {
      this.#reject(key, line, error, false);
    }
  }

  #reject(key: string, line: number, error: unknown, endsObject: boolean): void {
    this.#errors++;
    const { message } = error as Error;
    const reason = message === '' ? 'An attribute has the wrong type' : message;
    this.#options.onRejected({ key, line, reason, endsObject });
  }
}

const batchBytes = 1024 * 1024;

/** An object is gone since it was listed, or another one. */
const ofObjects: ReadonlySet<string> = new Set(['S3NoSuchKey', 'S3PreconditionFailed']);

/** Where the reading of an object has come to. */
interface Place {
  line: number;
}

interface LineItem {
  readonly item: Item;
  readonly line: number;
}

/** Lines that have nothing are no items. What was read before something went wrong comes before that. */
async function* linedItems(
  content: AsyncIterable<Uint8Array>,
  format: ItemFormat,
  place: Place,
): AsyncGenerator<LineItem[], void> {
  for await (const lines of linesOf(content)) {
    const items: LineItem[] = [];
    try {
      for (const text of lines) {
        const line = ++place.line;
        if (text.trim() !== '') items.push({ item: format.read(text), line });
      }
    } catch (error) {
      yield items;
      throw error;
    }
    yield items;
  }
}

const imported = structure('ImportedItem', { Item: attributeMap });

/** @throws DynamoDbError in AWS's words, as PutItem has them */
function rowOf(raw: Item, table: Table): LoadedRow {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new TypeError('The item is not a structure');
  const { Item: read } = deserialize(imported, { Item: raw }) as { Item: Item };
  const item = checkItem(read);
  checkItemKey(table.schema, item);
  checkIndexKeys(table, item);
  return { key: itemKey(canonicalKey(table.schema, item)), image: itemJson(item) };
}
