/** Items as a plain list, and what their indexes must answer: rules written a second time, as simply as they can be. */

export type Value = { S: string } | { N: string } | { B: string };
export type Item = Readonly<Record<string, Value>>;

export interface IndexShape {
  readonly name: string;
  readonly kind: 'LOCAL' | 'GLOBAL';
  readonly hash: readonly string[];
  readonly range: readonly string[];
  readonly projection: 'ALL' | 'KEYS_ONLY' | readonly string[];
}

export const types: Readonly<Record<string, 'S' | 'N' | 'B'>> = {
  p: 'S',
  s: 'N',
  a: 'S',
  n: 'N',
  b: 'B',
  x: 'S',
  y: 'N',
};

export const tableKey = ['p', 's'];

export const shapes: readonly IndexShape[] = [
  { name: 'local', kind: 'LOCAL', hash: ['p'], range: ['a'], projection: ['other'] },
  { name: 'hash-only', kind: 'GLOBAL', hash: ['a'], range: [], projection: 'KEYS_ONLY' },
  { name: 'strings', kind: 'GLOBAL', hash: ['x'], range: ['a'], projection: 'ALL' },
  { name: 'numbers', kind: 'GLOBAL', hash: ['x'], range: ['n'], projection: ['other', 'more'] },
  { name: 'bytes', kind: 'GLOBAL', hash: ['y'], range: ['b'], projection: 'ALL' },
  { name: 'many', kind: 'GLOBAL', hash: ['x', 'y'], range: ['a', 'n', 'b'], projection: ['more'] },
];

export function createTableInput(name: string, indexes: readonly IndexShape[]): object {
  const used = new Set([...tableKey, ...indexes.flatMap(({ hash, range }) => [...hash, ...range])]);
  const of = (kind: IndexShape['kind']) => indexes.filter((index) => index.kind === kind).map(definition);
  return {
    TableName: name,
    KeySchema: keySchema(['p'], ['s']),
    AttributeDefinitions: [...used].map((AttributeName) => ({
      AttributeName,
      AttributeType: types[AttributeName],
    })),
    BillingMode: 'PAY_PER_REQUEST',
    ...(of('LOCAL').length > 0 && { LocalSecondaryIndexes: of('LOCAL') }),
    ...(of('GLOBAL').length > 0 && { GlobalSecondaryIndexes: of('GLOBAL') }),
  };
}

/** The UpdateTable that adds the index. */
export function createIndexInput(table: string, index: IndexShape): object {
  const attributes = [...index.hash, ...index.range];
  return {
    TableName: table,
    AttributeDefinitions: attributes.map((AttributeName) => ({
      AttributeName,
      AttributeType: types[AttributeName],
    })),
    GlobalSecondaryIndexUpdates: [{ Create: definition(index) }],
  };
}

function definition({ name, hash, range, projection }: IndexShape): object {
  const Projection =
    typeof projection === 'string'
      ? { ProjectionType: projection }
      : { ProjectionType: 'INCLUDE', NonKeyAttributes: projection };
  return { IndexName: name, KeySchema: keySchema(hash, range), Projection };
}

function keySchema(hash: readonly string[], range: readonly string[]): object[] {
  return [
    ...hash.map((AttributeName) => ({ AttributeName, KeyType: 'HASH' })),
    ...range.map((AttributeName) => ({ AttributeName, KeyType: 'RANGE' })),
  ];
}

/** The items that are in the index. */
export function members(index: IndexShape, items: Iterable<Item>): Item[] {
  const names = [...index.hash, ...index.range];
  return [...items].filter((item) =>
    names.every((name) => {
      const value = item[name];
      return value !== undefined && (types[name] as string) in value;
    }),
  );
}

export function projected({ hash, range, projection }: IndexShape, item: Item): Item {
  if (projection === 'ALL') return item;
  const extra = projection === 'KEYS_ONLY' ? [] : projection;
  const names = new Set([...tableKey, ...hash, ...range, ...extra]);
  return Object.fromEntries(Object.entries(item).filter(([name]) => names.has(name)));
}

export function compareValues(a: Value, b: Value): number {
  if ('N' in a && 'N' in b) return Number(a.N) - Number(b.N);
  return Buffer.compare(bytesOf(a), bytesOf(b));
}

/** Equal keys of a global index come in any order, those of a local one in the order of the table's sort key. */
export function compareInPartition({ kind, range }: IndexShape, a: Item, b: Item): number {
  for (const name of kind === 'LOCAL' ? [...range, 's'] : range) {
    const order = compareValues(a[name] as Value, b[name] as Value);
    if (order !== 0) return order;
  }
  return 0;
}

export function bytesOf(value: Value): Buffer {
  if ('B' in value) return Buffer.from(value.B, 'base64');
  return Buffer.from('S' in value ? value.S : value.N);
}

export interface Condition {
  readonly name: string;
  readonly operator: '=' | '<' | '<=' | '>' | '>=' | 'BETWEEN' | 'begins_with';
  readonly values: readonly Value[];
}

export function holds({ name, operator, values }: Condition, item: Item): boolean {
  const value = item[name] as Value;
  const [first, second] = values as [Value, Value];
  switch (operator) {
    case '=':
      return compareValues(value, first) === 0;
    case '<':
      return compareValues(value, first) < 0;
    case '<=':
      return compareValues(value, first) <= 0;
    case '>':
      return compareValues(value, first) > 0;
    case '>=':
      return compareValues(value, first) >= 0;
    case 'BETWEEN':
      return compareValues(value, first) >= 0 && compareValues(value, second) <= 0;
    case 'begins_with':
      return bytesOf(value).subarray(0, bytesOf(first).length).equals(bytesOf(first));
  }
}

export function queryInput(
  table: string,
  index: IndexShape,
  conditions: readonly Condition[],
  options: object,
): object {
  const names: Record<string, string> = {};
  const values: Record<string, Value> = {};
  const parts = conditions.map(({ name, operator, values: operands }, i) => {
    names[`#${i}`] = name;
    const [first, second] = operands.map((operand, j) => {
      values[`:${i}${j}`] = operand;
      return `:${i}${j}`;
    });
    if (operator === 'BETWEEN') return `#${i} BETWEEN ${first} AND ${second}`;
    return operator === 'begins_with' ? `begins_with(#${i}, ${first})` : `#${i} ${operator} ${first}`;
  });
  return {
    TableName: table,
    IndexName: index.name,
    KeyConditionExpression: parts.join(' AND '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
    ...options,
  };
}

/** One text for equal items, whatever the order of their attributes. */
export function spelled(item: Item): string {
  return JSON.stringify(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
}
