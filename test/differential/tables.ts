/* The tables that all cases share. */

/** Written by cases, each on items of its own. */
export const itemsTable = 'items';
/** Filled once, and only read. */
export const pagesTable = 'pages';

const attributes = { p: 'S', s: 'N', l: 'S', g: 'S', h: 'N' } as const;

/** Table key `p`, `s`; a local index by `l`, a global one by `g` and `h`, and one by `g` alone. */
export function tableInput(TableName: string): object {
  return {
    TableName,
    AttributeDefinitions: Object.entries(attributes).map(([AttributeName, AttributeType]) => ({
      AttributeName,
      AttributeType,
    })),
    KeySchema: keySchema('p', 's'),
    BillingMode: 'PAY_PER_REQUEST',
    LocalSecondaryIndexes: [{ IndexName: 'local', KeySchema: keySchema('p', 'l'), Projection: include('a') }],
    GlobalSecondaryIndexes: [
      { IndexName: 'global', KeySchema: keySchema('g', 'h'), Projection: { ProjectionType: 'KEYS_ONLY' } },
      { IndexName: 'whole', KeySchema: keySchema('g'), Projection: { ProjectionType: 'ALL' } },
    ],
  };
}

export function keySchema(hash: string, range?: string): object[] {
  const partition = { AttributeName: hash, KeyType: 'HASH' };
  return range === undefined ? [partition] : [partition, { AttributeName: range, KeyType: 'RANGE' }];
}

function include(...NonKeyAttributes: string[]): object {
  return { ProjectionType: 'INCLUDE', NonKeyAttributes };
}
