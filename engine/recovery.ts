import { ItemJson } from '../protocol/reply.ts';
import { Catalog, readCatalogRecord } from './catalog.ts';
import { type Position, readCheckpoint } from './checkpoint.ts';
import type { LogEntry } from './log/record.ts';
import { stateKey } from './state/layout.ts';
import { Overlay } from './state/overlay.ts';
import type { Store } from './state/store.ts';
import { Statistics } from './statistics.ts';

/** What LMDB has, and then what the log adds to it. */
export class Recovery {
  readonly overlay = new Overlay();
  readonly catalog = new Catalog();
  readonly statistics = new Statistics();
  readonly droppedTables: Set<number>;
  position: Position;

  constructor(store: Store) {
    const { position, tables, droppedTables } = readCheckpoint(store);
    this.position = position;
    this.droppedTables = new Set(droppedTables);
    this.catalog.reserveNumbersBelow(position.nextTableNumber);
    for (const { definition, statistics } of tables) {
      this.catalog.apply({ put: definition });
      this.statistics.restore(definition.number, statistics);
    }
  }

  replay(entries: readonly LogEntry[], endLsn: number): void {
    for (const entry of entries) this.#replayEntry(entry);
    this.position = { ...this.position, lsn: endLsn };
  }

  #replayEntry({ firstSequence, timeMs, changes }: LogEntry): void {
    for (const change of changes) {
      if (change.kind === 'catalog') {
        const catalogChange = readCatalogRecord(change.json);
        this.catalog.apply(catalogChange);
        this.statistics.catalogChanged(catalogChange);
        if ('remove' in catalogChange) this.droppedTables.add(catalogChange.remove);
      } else {
        const { table, key, newImage } = change;
        this.overlay.set(stateKey(table, key), {
          item: newImage && new ItemJson(newImage.json, newImage.size),
        });
        this.statistics.itemChanged(change);
      }
    }
    this.position = { ...this.position, nextSequence: firstSequence + changes.length, lastTimeMs: timeMs };
  }
}
