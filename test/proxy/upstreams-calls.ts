import type { DynamoDB } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { tableInput } from '../differential/tables.ts';

/*
 * Random calls for a table of few keys, so that reads often meet what was cached, and writes what was read: the key is `p`
 * and `s`; the local index `local` sorts by `l`, the global ones `global` and `whole` are of `g` (test/differential/tables.ts).
 */

/** A call of a table that is named when it is made. */
export interface TableCall {
  readonly operation: keyof typeof operations;
  input(table: string): object;
}

/** What an SDK gives for an answer or an error, without what is of the connection and of the table's name. */
export async function outcomeOf(client: DynamoDB, call: TableCall, table: string): Promise<object> {
  try {
    const { $metadata: _metadata, ...output } = await operations[call.operation](client, call.input(table));
    return JSON.parse(withoutOrder(JSON.stringify(output).replaceAll(table, 'TABLE')));
  } catch (error) {
    const { name, message } = error as Error;
    const { CancellationReasons: reasons } = error as { CancellationReasons?: unknown };
    return { name, message: message.replaceAll(table, 'TABLE'), reasons };
  }
}

type Call = (client: DynamoDB, input: never) => Promise<{ $metadata: object }>;

/** Inputs are made at random, and may be wrong: the SDK takes all. */
function calling(method: Call): (client: DynamoDB, input: object) => Promise<{ $metadata: object }> {
  return (client, input) => method(client, input as never);
}

const operations = {
  GetItem: calling((client, input) => client.getItem(input)),
  BatchGetItem: calling((client, input) => client.batchGetItem(input)),
  Query: calling((client, input) => client.query(input)),
  Scan: calling((client, input) => client.scan(input)),
  PutItem: calling((client, input) => client.putItem(input)),
  UpdateItem: calling((client, input) => client.updateItem(input)),
  DeleteItem: calling((client, input) => client.deleteItem(input)),
  BatchWriteItem: calling((client, input) => client.batchWriteItem(input)),
  TransactWriteItems: calling((client, input) => client.transactWriteItems(input)),
  TransactGetItems: calling((client, input) => client.transactGetItems(input)),
};

/** Members, and the values of a set, have no order; nor have the items of BatchGetItem. */
function withoutOrder(json: string): string {
  return JSON.stringify(JSON.parse(json), (name, value: unknown) => {
    if (Array.isArray(value)) return /^[SNB]S$/.test(name) ? [...value].sort() : value;
    if (typeof value !== 'object' || value === null) return value;
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    if (name !== 'Responses') return Object.fromEntries(members);
    return Object.fromEntries(members.map(([table, items]) => [table, sortedItems(items)]));
  });
}

function sortedItems(items: unknown): string[] {
  return (items as object[]).map((item) => withoutOrder(JSON.stringify(item))).sort();
}

export async function createTable(client: DynamoDB, name: string): Promise<void> {
  await client.createTable(tableInput(name) as Parameters<DynamoDB['createTable']>[0]);
  for (;;) {
    const { Table } = await client.describeTable({ TableName: name });
    const indexes = Table?.GlobalSecondaryIndexes ?? [];
    if (
      [Table?.TableStatus, ...indexes.map(({ IndexStatus }) => IndexStatus)].every((one) => one === 'ACTIVE')
    )
      return;
  }
}

const partition = fc.constantFrom('a', 'b', 'c').map((S) => ({ S }));
const key = fc.record({ p: partition, s: fc.constantFrom('1', '2', '3').map((N) => ({ N })) });
/** Numbers inside of lists are canonical, as DynamoDB Local gives them as they were written, and the cache does not. */
const value = fc.oneof(
  fc.string({ maxLength: 12 }).map((S) => ({ S })),
  fc.constantFrom(
    { N: '1.50' },
    { N: '-0' },
    { BOOL: false },
    { NULL: true },
    { L: [{ N: '1' }, { M: {} }] },
  ),
  fc.constantFrom({ NS: ['10', '2.0'] }, { SS: ['b', 'a'] }, { M: { x: { N: '7' } } }),
  fc.constantFrom({ S: 'x'.repeat(5_000) }),
);
const group = fc.constantFrom('g1', 'g2').map((S) => ({ S }));
const rank = fc.constantFrom('1', '2').map((N) => ({ N }));
const local = fc.constantFrom('l1', 'l2').map((S) => ({ S }));
const attributes = fc.record({ a: value, l: local, g: group, h: rank, n: rank }, { requiredKeys: [] });
const item = fc.tuple(key, attributes).map(([ofKey, others]) => ({ ...ofKey, ...others }));
/** Also those that a store refuses. */
const broken = fc.constantFrom(
  { p: { S: 'a' } },
  { p: { N: '1' }, s: { N: '1' } },
  { p: { S: 'a' }, s: { N: '1' }, g: { N: '1' } },
);
const capacity = fc.constantFrom(
  {},
  {},
  { ReturnConsumedCapacity: 'TOTAL' },
  { ReturnConsumedCapacity: 'INDEXES' },
);
const consistent = fc.constantFrom({}, {}, {}, { ConsistentRead: true });

function callOf<T extends object>(
  operation: TableCall['operation'],
  input: fc.Arbitrary<T>,
  common: fc.Arbitrary<object> = fc.constant({}),
): fc.Arbitrary<TableCall> {
  return fc.tuple(input, common, capacity).map(([own, shared, cost]) => ({
    operation,
    input: (TableName) => ({ TableName, ...own, ...shared, ...cost }),
    toString: () => printed(operation, { ...own, ...shared, ...cost }),
  }));
}

function printed(operation: string, input: object): string {
  return `${operation} ${JSON.stringify(input).replace(/x{100,}/g, 'x...')}`;
}

/** Calls that name the tables inside. */
function namingCall<T>(
  operation: TableCall['operation'],
  parts: fc.Arbitrary<T>,
  make: (parts: T, table: string) => object,
): fc.Arbitrary<TableCall> {
  return fc.tuple(parts, capacity).map(([own, cost]) => ({
    operation,
    input: (table) => ({ ...make(own, table), ...cost }),
    toString: () => printed(operation, { ...make(own, 'TABLE'), ...cost }),
  }));
}

const projection = fc.constantFrom(
  {},
  {},
  { ProjectionExpression: 'p, a' },
  { ProjectionExpression: '#n', ExpressionAttributeNames: { '#n': 'n' } },
  { AttributesToGet: ['s', 'a'] },
);
const getItem = callOf('GetItem', fc.record({ Key: key }), fc.oneof(consistent, projection));
const batchGetItem = namingCall(
  'BatchGetItem',
  fc.tuple(
    fc.uniqueArray(key, { minLength: 1, maxLength: 4, selector: (one) => JSON.stringify(one) }),
    consistent,
  ),
  ([Keys, more], table) => ({ RequestItems: { [table]: { Keys, ...more } } }),
);

const ofPartition = partition.map((p) => ({
  KeyConditionExpression: 'p = :p',
  ExpressionAttributeValues: { ':p': p },
}));
const ofRange = partition.map((p) => ({
  KeyConditionExpression: 'p = :p AND s > :s',
  ExpressionAttributeValues: { ':p': p, ':s': { N: '1' } },
}));
const filtered = partition.map((p) => ({
  KeyConditionExpression: 'p = :p',
  FilterExpression: 'attribute_exists(g)',
  ExpressionAttributeValues: { ':p': p },
}));
const legacy = partition.map((p) => ({
  KeyConditions: { p: { AttributeValueList: [p], ComparisonOperator: 'EQ' } },
  QueryFilter: { l: { AttributeValueList: [{ S: 'l1' }], ComparisonOperator: 'EQ' } },
}));
const ofLocal = fc.tuple(partition, local).map(([p, l]) => ({
  IndexName: 'local',
  KeyConditionExpression: 'p = :p AND l = :l',
  ExpressionAttributeValues: { ':p': p, ':l': l },
}));
const ofGlobal = fc.tuple(fc.constantFrom('global', 'whole'), group).map(([IndexName, g]) => ({
  IndexName,
  KeyConditionExpression: 'g = :g',
  ExpressionAttributeValues: { ':g': g },
}));
const page = fc.constantFrom({}, {}, { Limit: 2 }, { ScanIndexForward: false }, { Select: 'COUNT' });
const query = fc.oneof(
  callOf('Query', fc.oneof(ofPartition, ofRange, filtered, legacy), fc.oneof(page, consistent)),
  callOf('Query', ofLocal, page),
  callOf('Query', ofGlobal, page),
);
const scan = callOf(
  'Scan',
  fc.constantFrom<object>(
    {},
    { IndexName: 'local' },
    { IndexName: 'whole' },
    { IndexName: 'global' },
    { IndexName: 'absent' },
    { Segment: 1, TotalSegments: 2 },
    { FilterExpression: 'a = :a', ExpressionAttributeValues: { ':a': { N: '1.5' } } },
  ),
  fc.constantFrom({}, { Limit: 3 }, { Select: 'COUNT' }),
);

const oldOrNone = fc.constantFrom({}, {}, { ReturnValues: 'ALL_OLD' });
const condition = fc.constantFrom({}, {}, { ConditionExpression: 'attribute_exists(p)' });
const putItem = callOf(
  'PutItem',
  fc.oneof({ weight: 6, arbitrary: item }, broken).map((Item) => ({ Item })),
  fc.oneof(oldOrNone, condition),
);
const deleteItem = callOf('DeleteItem', fc.record({ Key: key }), fc.oneof(oldOrNone, condition));
const update = fc.oneof(
  fc.tuple(group, value).map(([g, a]) => ({
    UpdateExpression: 'SET g = :g, a = :a ADD n :one',
    ExpressionAttributeValues: { ':g': g, ':a': a, ':one': { N: '1' } },
  })),
  fc.constantFrom<object>(
    { UpdateExpression: 'REMOVE g, l' },
    { UpdateExpression: 'SET h = h + :h', ExpressionAttributeValues: { ':h': { N: '1' } } },
    { AttributeUpdates: { g: { Action: 'PUT', Value: { S: 'g2' } }, a: { Action: 'DELETE' } } },
    { AttributeUpdates: { n: { Action: 'ADD', Value: { N: '2' } } } },
    {},
  ),
);
const returned = fc.constantFrom(
  {},
  {},
  ...['ALL_OLD', 'UPDATED_OLD', 'ALL_NEW', 'UPDATED_NEW'].map((one) => ({ ReturnValues: one })),
);
const updateItem = callOf(
  'UpdateItem',
  fc.tuple(key, update).map(([Key, change]) => ({ Key, ...change })),
  returned,
);
const batchWriteItem = namingCall(
  'BatchWriteItem',
  fc.uniqueArray(fc.tuple(item, fc.boolean()), {
    minLength: 1,
    maxLength: 4,
    selector: ([{ p, s }]) => p.S + s.N,
  }),
  (writes, table) => ({
    RequestItems: {
      [table]: writes.map(([Item, isPut]) =>
        isPut ? { PutRequest: { Item } } : { DeleteRequest: { Key: { p: Item.p, s: Item.s } } },
      ),
    },
  }),
);
const transactWriteItems = namingCall(
  'TransactWriteItems',
  fc.tuple(item, key, fc.boolean()),
  ([Item, { p, s }, isPut], TableName) => ({
    TransactItems: [
      { Put: { TableName, Item: { ...Item, s: { N: '1' } } } },
      isPut
        ? { Delete: { TableName, Key: { p, s: { N: '2' } } } }
        : {
            ConditionCheck: {
              TableName,
              Key: { p, s: { N: '3' } },
              ConditionExpression: 'attribute_exists(a)',
            },
          },
      {
        Update: {
          TableName,
          Key: { p, s: { N: String(Number(s.N) + 3) } },
          UpdateExpression: 'SET g = :g',
          ExpressionAttributeValues: { ':g': { S: 'g1' } },
        },
      },
    ],
  }),
);
const transactGetItems = namingCall('TransactGetItems', key, (Key, TableName) => ({
  TransactItems: [{ Get: { TableName, Key } }],
}));

/** Runs of calls: of a few reads, again and again, with writes between them. */
export function callsOf(hasTransactions: boolean): fc.Arbitrary<TableCall[]> {
  const reads = fc.oneof(getItem, batchGetItem, query, query, query, scan);
  const writes = fc.oneof(putItem, putItem, updateItem, updateItem, deleteItem, batchWriteItem);
  const transactions = fc.oneof(transactWriteItems, transactGetItems);
  return fc.array(reads, { minLength: 6, maxLength: 6 }).chain((few) => {
    const weighted = [
      { weight: 14, arbitrary: fc.constantFrom(...few) },
      { weight: 3, arbitrary: writes },
      ...(hasTransactions ? [{ weight: 1, arbitrary: transactions }] : []),
    ];
    return fc.array(fc.oneof(...weighted), { minLength: 20, maxLength: 60 });
  });
}
