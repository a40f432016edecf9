import type { Item } from '../protocol/attribute-value.ts';
import { benchItem, collection, INDEX_NAME, keyName, REVISION_MIN, sortKey, type TableName } from './item.ts';

/** A request that is sent again and again with other keys and revisions. */
export interface Workload {
  readonly operation: string;
  /** Its input for key 0 and the first revision. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly tables: readonly TableName[];
  /** Items that one request reads or writes. */
  readonly items: number;
  /**
   * The answer to that input, for the servers that give a fixed one. Its length is that of the right answer to every
   * key and revision.
   */
  readonly answer: Readonly<Record<string, unknown>>;
  /** Whether a table store gives just this answer; a Scan begins anywhere. */
  readonly isExact: boolean;
}

/** Whether it changes items. */
export function isWrite({ operation }: Workload): boolean {
  return !['GetItem', 'Query', 'Scan'].includes(operation);
}

export type WorkloadName =
  | 'get-item'
  | 'get-many-items'
  | 'query-10'
  | 'query-100'
  | 'query-index-10'
  | 'query-index-100'
  | 'scan'
  | 'put-item'
  | 'update-item'
  | 'transact-write-items';

/** A page of a Scan: less than the 1 MB at which systems might disagree where it ends. */
export const SCAN_ITEMS = 1_000;

/** The one place where requests are added. */
export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  'get-item': getWorkload('items'),
  'get-many-items': getWorkload('many-items'),
  'query-10': queryWorkload(10, false),
  'query-100': queryWorkload(100, false),
  'query-index-10': queryWorkload(10, true),
  'query-index-100': queryWorkload(100, true),
  scan: {
    operation: 'Scan',
    input: { TableName: 'items', Limit: SCAN_ITEMS },
    tables: ['items'],
    items: SCAN_ITEMS,
    answer: {
      ...pageOf(Array.from({ length: SCAN_ITEMS }, (_, key) => benchItem(key))),
      LastEvaluatedKey: { pk: { S: keyName(SCAN_ITEMS - 1) } },
    },
    isExact: false,
  },
  'put-item': {
    operation: 'PutItem',
    input: { TableName: 'items', Item: benchItem(0) },
    tables: ['items'],
    items: 1,
    answer: {},
    isExact: true,
  },
  'update-item': {
    operation: 'UpdateItem',
    input: revisionUpdate('items'),
    tables: ['items'],
    items: 1,
    answer: {},
    isExact: true,
  },
  'transact-write-items': {
    operation: 'TransactWriteItems',
    input: {
      // AWS's SDKs send a token of their own with every transaction.
      ClientRequestToken: `bench-${REVISION_MIN}`,
      TransactItems: [{ Update: revisionUpdate('items') }, { Update: revisionUpdate('more-items') }],
    },
    tables: ['items', 'more-items'],
    items: 2,
    answer: {},
    isExact: true,
  },
};

function getWorkload(table: TableName): Workload {
  return {
    operation: 'GetItem',
    input: { TableName: table, Key: { pk: { S: keyName(0) } } },
    tables: [table],
    items: 1,
    answer: { Item: benchItem(0) },
    isExact: true,
  };
}

/** The first `items` of a partition of the table or its index, without an end of page. */
function queryWorkload(items: number, isIndex: boolean): Workload {
  const [pk, sk] = isIndex ? ['indexPk', 'indexSk'] : ['pk', 'sk'];
  return {
    operation: 'Query',
    input: {
      TableName: 'collections',
      ...(isIndex ? { IndexName: INDEX_NAME } : {}),
      KeyConditionExpression: `${pk} = :pk AND ${sk} < :end`,
      ExpressionAttributeValues: { ':pk': { S: keyName(0) }, ':end': { S: sortKey(items) } },
    },
    tables: ['collections'],
    items,
    answer: pageOf(collection(0, isIndex).slice(0, items)),
    isExact: true,
  };
}

/** Of different requests in any order, no two of which have the same revision. */
function revisionUpdate(table: TableName): Record<string, unknown> {
  return {
    TableName: table,
    Key: { pk: { S: keyName(0) } },
    UpdateExpression: 'SET revision = :revision',
    ConditionExpression: 'attribute_exists(pk) AND revision <> :revision',
    ExpressionAttributeValues: { ':revision': { N: String(REVISION_MIN) } },
  };
}

function pageOf(items: readonly Item[]): Record<string, unknown> {
  return { Items: items, Count: items.length, ScannedCount: items.length };
}
