import type { Item } from '../../protocol/attribute-value.ts';
import { setAttribute } from '../../protocol/attribute-value.ts';
import { decodeKeyValue, type KeySchema, splitKey } from '../../protocol/key.ts';
import { readChanges } from '../history/change-list.ts';
import type { ItemKey } from '../history/load-plan.ts';
import { scanTable } from '../history/table-scan.ts';
import type { ChangeList } from '../history/window-plan.ts';
import { Store } from '../state/store.ts';
import type { Bucket } from './bucket.ts';
import { type ChangedItem, ChangedItems } from './changed-items.ts';
import { type DataFile, type HashedLine, writeDataFiles } from './data-files.ts';
import { dynamodbJson } from './dynamodb-json.ts';
import { dataFolder, type ExportRecord } from './export-record.ts';
import { ionText } from './ion.ts';
import type { ItemFormat } from './item-format.ts';

/** What is exported. */
export type ExportSource =
  /** The items of a table, in a private store. */
  | {
      readonly kind: 'items';
      readonly directory: string;
      readonly table: number;
      readonly sizeBytes: number;
    }
  /** Changes; the folder is made for them, and left. */
  | {
      readonly kind: 'changes';
      readonly directory: string;
      readonly list: ChangeList;
      readonly schema: KeySchema;
    };

export interface WrittenFiles {
  readonly files: readonly DataFile[];
  readonly billedSizeBytes: number;
}

/** Writes the data files of one export. */
export class ExportWriter {
  readonly #record: ExportRecord;
  readonly #bucket: Bucket;
  readonly #signal: AbortSignal;
  readonly #format: ItemFormat;

  constructor(record: ExportRecord, bucket: Bucket, signal: AbortSignal) {
    this.#record = record;
    this.#bucket = bucket;
    this.#signal = signal;
    this.#format = record.format === 'ION' ? ionText : dynamodbJson;
  }

  write(source: ExportSource): Promise<WrittenFiles> {
    return source.kind === 'items' ? this.#writeItems(source) : this.#writeChanges(source);
  }

  async #writeItems({
    directory,
    table,
    sizeBytes,
  }: ExportSource & { kind: 'items' }): Promise<WrittenFiles> {
    const store = Store.open(directory, { readOnly: true });
    try {
      return { files: await this.#writeLines(this.#itemLines(store, table)), billedSizeBytes: sizeBytes };
    } finally {
      await store.close();
    }
  }

  async #writeChanges({
    directory,
    list,
    schema,
  }: ExportSource & { kind: 'changes' }): Promise<WrittenFiles> {
    const items = new ChangedItems(directory);
    try {
      let bytes = 0;
      for await (const changes of readChanges(list)) {
        this.#signal.throwIfAborted();
        items.add(changes);
        for (const { change } of changes)
          if (change.kind === 'item') bytes += (change.newImage ?? change.oldImage)?.size ?? 0;
      }
      const files = await this.#writeLines(this.#changeLines(items, schema));
      return { files, billedSizeBytes: Math.max(bytes, billedBytesMin) };
    } finally {
      await items.close();
    }
  }

  #writeLines(lines: AsyncIterable<readonly HashedLine[]>): Promise<DataFile[]> {
    return writeDataFiles(lines, {
      bucket: this.#bucket,
      folder: dataFolder(this.#record),
      seed: this.#record.id,
      extension: this.#format.extension,
    });
  }

  async *#itemLines(store: Store, table: number): AsyncGenerator<HashedLine[], void> {
    let lines: HashedLine[] = [];
    const visit = (key: ItemKey, item: { take(): { json: Buffer } }) =>
      void lines.push({ hash: hashOf(key), line: this.#format.item(item.take().json) });
    for await (const _ of scanTable(store, table, visit)) {
      this.#signal.throwIfAborted();
      yield lines;
      lines = [];
    }
  }

  async *#changeLines(items: ChangedItems, schema: KeySchema): AsyncGenerator<HashedLine[], void> {
    for await (const changed of items.items()) {
      this.#signal.throwIfAborted();
      yield changed.map((item) => ({ hash: hashOf(item.key), line: this.#changeLine(item, schema) }));
    }
  }

  #changeLine({ key, timeMs, before, after }: ChangedItem, schema: KeySchema): Buffer {
    const { of } = this.#record;
    const showsOld = of.kind === 'incremental' && of.view === 'NEW_AND_OLD_IMAGES';
    return this.#format.change({
      timeMs,
      keys: keysOf(key, schema),
      oldImage: showsOld ? before : undefined,
      newImage: after,
    });
  }
}

/** An incremental export is billed for 10 MB at least (measured). */
const billedBytesMin = 10_000_000;

/** The first four bytes. */
function hashOf(key: ItemKey): number {
  return Buffer.from(key.slice(0, hashBytes), 'latin1').readUInt32BE(0);
}

const hashBytes = 4;

function keysOf(key: ItemKey, { partition, sort }: KeySchema): Item {
  const parts = splitKey(key.slice(hashBytes));
  const keys: Item = {};
  setAttribute(keys, partition.name, decodeKeyValue(partition.type, parts.partition));
  if (sort !== undefined) setAttribute(keys, sort.name, decodeKeyValue(sort.type, parts.sort));
  return keys;
}
