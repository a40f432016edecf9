import type { Comparator, Condition, Path, Update } from './expression.ts';
import type { Item, Value } from './value.ts';

/** The names of the key attributes of all tables of the model test. */
export const hashName = 'h';
export const rangeName = 'r';

/** The attribute by which items expire, in seconds since 1970. */
export const expiryName = 't';

/** When the store's clock begins, in the same seconds. */
export const storeEpoch = 1_700_000_000;

export type KeyType = 'S' | 'N' | 'B';

/** The types of a table's key attributes, and the indexes that it is created with. */
export interface Schema {
  readonly hash: KeyType;
  readonly range: KeyType | undefined;
  readonly indexes: readonly IndexSchema[];
}

export interface KeyAttribute {
  readonly name: string;
  readonly type: KeyType;
}

/** What a table or an index is partitioned and sorted by; an index can have several attributes for each. */
export interface KeySchema {
  readonly hash: readonly KeyAttribute[];
  readonly range: readonly KeyAttribute[];
}

export interface IndexSchema extends KeySchema {
  readonly name: string;
  readonly isGlobal: boolean;
  /** The attributes that it has besides keys: all, none, or these. */
  readonly projection: 'ALL' | 'KEYS_ONLY' | readonly string[];
}

export type CapacityMode = 'INDEXES' | 'TOTAL' | 'NONE';

interface WriteOptions {
  readonly table: string;
  readonly condition?: Condition | undefined;
  readonly onFailure?: 'ALL_OLD' | 'NONE' | undefined;
  readonly capacity?: CapacityMode | undefined;
}

export interface PutItem extends WriteOptions {
  readonly op: 'PutItem';
  readonly item: Item;
  readonly returnValues?: 'ALL_OLD' | 'NONE' | undefined;
}

export interface DeleteItem extends WriteOptions {
  readonly op: 'DeleteItem';
  readonly key: Item;
  readonly returnValues?: 'ALL_OLD' | 'NONE' | undefined;
}

export type UpdateReturn = 'ALL_OLD' | 'ALL_NEW' | 'UPDATED_OLD' | 'UPDATED_NEW' | 'NONE';

export interface UpdateItem extends WriteOptions {
  readonly op: 'UpdateItem';
  readonly key: Item;
  readonly update?: Update | undefined;
  readonly returnValues?: UpdateReturn | undefined;
}

export interface GetItem {
  readonly op: 'GetItem';
  readonly table: string;
  readonly key: Item;
  readonly projection?: readonly Path[] | undefined;
  readonly isConsistent?: boolean | undefined;
  readonly capacity?: CapacityMode | undefined;
}

export interface BatchGetItem {
  readonly op: 'BatchGetItem';
  readonly tables: readonly {
    readonly table: string;
    readonly keys: readonly Item[];
    readonly projection?: readonly Path[] | undefined;
    readonly isConsistent?: boolean | undefined;
  }[];
  readonly capacity?: CapacityMode | undefined;
}

export interface BatchWriteItem {
  readonly op: 'BatchWriteItem';
  readonly tables: readonly {
    readonly table: string;
    readonly writes: readonly ({ readonly put: Item } | { readonly delete: Item })[];
  }[];
  readonly capacity?: CapacityMode | undefined;
}

export type KeyOperator = Exclude<Comparator, '<>'> | 'BETWEEN' | 'begins_with';

/** One part of a key condition; `values` has two for BETWEEN, otherwise one. */
export interface KeyPart {
  readonly name: string;
  readonly operator: KeyOperator;
  readonly values: readonly Value[];
}

interface PageOptions {
  readonly table: string;
  readonly index?: string | undefined;
  readonly filter?: Condition | undefined;
  readonly projection?: readonly Path[] | undefined;
  readonly select?:
    | 'ALL_ATTRIBUTES'
    | 'ALL_PROJECTED_ATTRIBUTES'
    | 'COUNT'
    | 'SPECIFIC_ATTRIBUTES'
    | undefined;
  readonly limit?: number | undefined;
  readonly startKey?: Item | undefined;
  readonly isConsistent?: boolean | undefined;
  readonly capacity?: CapacityMode | undefined;
}

export interface Query extends PageOptions {
  readonly op: 'Query';
  readonly keys: readonly KeyPart[];
  readonly isForward?: boolean | undefined;
}

export interface Scan extends PageOptions {
  readonly op: 'Scan';
  readonly segment?: { readonly index: number; readonly total: number } | undefined;
}

export interface CreateTable {
  readonly op: 'CreateTable';
  readonly table: string;
  readonly schema: Schema;
}

export interface UpdateTable {
  readonly op: 'UpdateTable';
  readonly table: string;
  readonly change: { readonly create: IndexSchema } | { readonly remove: string };
}

export interface TableRequest {
  readonly op: 'DeleteTable' | 'DescribeTable';
  readonly table: string;
}

/** A condition alone, which only a transaction can have. */
export interface ConditionCheck {
  readonly op: 'ConditionCheck';
  readonly table: string;
  readonly key: Item;
  readonly condition: Condition;
  readonly onFailure?: 'ALL_OLD' | 'NONE' | undefined;
}

export type WriteRequest = PutItem | UpdateItem | DeleteItem;
export type TransactAction = WriteRequest | ConditionCheck;

export interface TransactWriteItems {
  readonly op: 'TransactWriteItems';
  readonly actions: readonly TransactAction[];
  readonly token?: string | undefined;
  readonly capacity?: CapacityMode | undefined;
}

export interface TransactGetItems {
  readonly op: 'TransactGetItems';
  readonly gets: readonly Pick<GetItem, 'table' | 'key' | 'projection'>[];
  readonly capacity?: CapacityMode | undefined;
}

export interface UpdateTimeToLive {
  readonly op: 'UpdateTimeToLive';
  readonly table: string;
  readonly isEnabled: boolean;
}

export type ItemRequest = WriteRequest | GetItem;
export type PageRequest = Query | Scan;
export type Request =
  | ItemRequest
  | BatchGetItem
  | BatchWriteItem
  | TransactWriteItems
  | TransactGetItems
  | PageRequest
  | CreateTable
  | UpdateTable
  | UpdateTimeToLive
  | TableRequest;
