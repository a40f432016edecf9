import type { Comparator, Condition, Path, Update } from './expression.ts';
import type { Item, Value } from './value.ts';

/** The names of the key attributes of all tables of the model test. */
export const hashName = 'h';
export const rangeName = 'r';

export type KeyType = 'S' | 'N' | 'B';

/** The types of a table's key attributes. */
export interface Schema {
  readonly hash: KeyType;
  readonly range: KeyType | undefined;
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

interface PageOptions {
  readonly table: string;
  readonly filter?: Condition | undefined;
  readonly projection?: readonly Path[] | undefined;
  readonly select?: 'ALL_ATTRIBUTES' | 'COUNT' | 'SPECIFIC_ATTRIBUTES' | undefined;
  readonly limit?: number | undefined;
  readonly startKey?: Item | undefined;
  readonly isConsistent?: boolean | undefined;
  readonly capacity?: CapacityMode | undefined;
}

export interface Query extends PageOptions {
  readonly op: 'Query';
  readonly hash: Value;
  /** `values` has two for BETWEEN, otherwise one. */
  readonly range?: { readonly operator: KeyOperator; readonly values: readonly Value[] } | undefined;
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

export interface TableRequest {
  readonly op: 'DeleteTable' | 'DescribeTable';
  readonly table: string;
}

export type ItemRequest = PutItem | DeleteItem | UpdateItem | GetItem;
export type PageRequest = Query | Scan;
export type Request = ItemRequest | BatchGetItem | BatchWriteItem | PageRequest | CreateTable | TableRequest;
