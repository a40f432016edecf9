import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';
import type { KeyBytes } from '../../protocol/key.ts';
import { type Collection, type CollectionSizes, collectionOf } from '../item-collections.ts';
import type { PlannedWrite } from './item-write.ts';

/** AWS: API_ItemCollectionMetrics. */
export interface ItemCollectionMetrics {
  /** The partition key alone. */
  readonly ItemCollectionKey: Item;
  /** In units of 1,024^3 bytes; AWS's examples have bounds that are 1 apart (AWS: LSI.ItemCollections). */
  readonly SizeEstimateRangeGB: readonly [lower: number, upper: number];
}

export type ReturnItemCollectionMetrics = 'SIZE' | 'NONE' | undefined;

/**
 * The metrics of a write of one item, whether it has changed something or not.
 * @returns undefined where the caller asked for none, and for a table without local indexes.
 */
export function itemCollectionMetrics(
  mode: ReturnItemCollectionMetrics,
  sizes: CollectionSizes,
  write: PlannedWrite,
): ItemCollectionMetrics | undefined {
  const collection = mode === 'SIZE' ? collectionOf(write.table, write.key) : undefined;
  return collection && metricsOf(sizes, collection, write);
}

/** The metrics of an operation on several items: each collection once, table by table, in the order of the request. */
export class TableCollections {
  readonly #mode: ReturnItemCollectionMetrics;
  readonly #tables = new Map<string, Map<KeyBytes, TouchedCollection>>();

  constructor(mode: ReturnItemCollectionMetrics) {
    this.#mode = mode;
  }

  /** @param tableName as the request has it: a name or an ARN. */
  add(tableName: string, write: PlannedWrite): void {
    if (this.#mode !== 'SIZE' || write.kind === 'check') return;
    const collection = collectionOf(write.table, write.key);
    if (collection === undefined) return;
    let collections = this.#tables.get(tableName);
    if (collections === undefined) {
      collections = new Map();
      this.#tables.set(tableName, collections);
    }
    collections.set(collection.partition, { collection, write });
  }

  /** The member that the answer has for them; none if there are none. @param sizes as all writes leave them. */
  output(sizes: CollectionSizes): { ItemCollectionMetrics?: Record<string, ItemCollectionMetrics[]> } {
    if (this.#tables.size === 0) return {};
    const tables = Array.from(this.#tables, ([name, collections]) => {
      const touched = Array.from(collections.values());
      return [name, touched.map(({ collection, write }) => metricsOf(sizes, collection, write))] as const;
    });
    return { ItemCollectionMetrics: Object.fromEntries(tables) };
  }
}

interface TouchedCollection {
  readonly collection: Collection;
  /** Of one of its items. */
  readonly write: PlannedWrite;
}

const gigabyte = 1024 ** 3;

function metricsOf(
  sizes: CollectionSizes,
  collection: Collection,
  { table, attributes }: PlannedWrite,
): ItemCollectionMetrics {
  const { name } = table.schema.partition;
  const lower = Math.floor(sizes.of(collection) / gigabyte);
  return {
    ItemCollectionKey: { [name]: attributes[name] as AttributeValue },
    SizeEstimateRangeGB: [lower, lower + 1],
  };
}
