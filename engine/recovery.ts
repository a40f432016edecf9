import type { Item } from '../protocol/attribute-value.ts';
import { Catalog, readCatalogRecord } from './catalog.ts';
import { type Position, readCheckpoint } from './checkpoint.ts';
import { indexChanges } from './index-entries.ts';
import { collectionOf, collectionRow } from './item-collections.ts';
import type { CatalogChange as CatalogRecord, Image, ItemChange, LogEntry } from './log/record.ts';
import { stateKey } from './state/layout.ts';
import { Overlay } from './state/overlay.ts';
import type { Store } from './state/store.ts';
import { applyCatalogChange, asItem, showChange } from './state-changes.ts';
import { Statistics } from './statistics.ts';
import type { LogMoment } from './stream/definition.ts';
import { TransactionTokens } from './transaction-tokens.ts';

/** What LMDB has, and then what the log adds to it. */
export class Recovery {
  readonly overlay = new Overlay();
  readonly catalog = new Catalog();
  readonly statistics = new Statistics();
  readonly transactionTokens = new TransactionTokens();
  readonly droppedTables: Set<number>;
  position: Position;

  constructor(store: Store) {
    const { position, tables, droppedTables, tokenRows, streamRows } = readCheckpoint(store);
    this.position = position;
    this.droppedTables = new Set(droppedTables);
    this.transactionTokens.restore(tokenRows);
    this.catalog.streams.restore(streamRows);
    this.catalog.reserveNumbersBelow(position.nextTableNumber);
    for (const { definition, statistics, indexStatistics } of tables) {
      this.catalog.restore(definition);
      this.statistics.restore(definition.number, statistics);
      for (const [number, counts] of Object.entries(indexStatistics))
        this.statistics.restore(Number(number), counts);
      this.statistics.definitionChanged(definition);
    }
  }

  replay(entries: readonly LogEntry[], endLsn: number): void {
    for (const entry of entries) this.#replayEntry(entry);
    this.position = { ...this.position, lsn: endLsn };
  }

  #replayEntry({ firstSequence, timeMs, token, changes }: LogEntry): void {
    if (token !== undefined) this.transactionTokens.committed(token, timeMs);
    for (const [i, change] of changes.entries()) {
      if (change.kind === 'item') this.#replayItem(change);
      else this.#replayCatalog(change, { sequence: firstSequence + i, timeMs });
    }
    this.position = { ...this.position, nextSequence: firstSequence + changes.length, lastTimeMs: timeMs };
  }

  #replayCatalog({ json }: CatalogRecord, at: LogMoment): void {
    applyCatalogChange(readCatalogRecord(json), at, this.catalog, this.statistics, this.droppedTables);
  }

  #replayItem(change: ItemChange): void {
    const key = stateKey(change.table, change.key);
    const table = this.catalog.byNumber(change.table);
    const changesOfIndexes =
      table === undefined || table.indexes.length === 0
        ? []
        : indexChanges(table, key, parsed(change.oldImage), parsed(change.newImage));
    const collection = table && collectionRow(collectionOf(table, change.key), change.collectionBytes);
    const entry = { item: asItem(change.newImage) };
    const shown = { change, key, entry, indexChanges: changesOfIndexes, collection };
    showChange(shown, this.overlay, this.statistics);
  }
}

function parsed(image: Image | undefined): Item | undefined {
  return image && (JSON.parse(image.json.toString()) as Item);
}
