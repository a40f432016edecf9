import * as fc from 'fast-check';
import { type Case, type Step, step } from './case.ts';
import { condition, type Pools, pools, projection, substitutions, update } from './expression-generator.ts';
import { legacyRead, legacyWrite } from './legacy-generator.ts';
import { itemsTable } from './tables.ts';
import { type AnyValue, anyValue, keyValue, sometimes, soundValue } from './value-generator.ts';

/* Calls on single items, in batches and in transactions. */

export type Attributes = Readonly<Record<string, AnyValue>>;

const TableName = itemsTable;

let keys = 0;

/** Keys that no other case has. */
function newKey(): Attributes {
  return { p: { S: `case-${keys++}` }, s: { N: '1' } };
}

function attributesOf(value: fc.Arbitrary<AnyValue>): fc.Arbitrary<Attributes> {
  return fc
    .record({
      a: sometimes(60, value),
      b: sometimes(60, value),
      c: sometimes(60, fc.oneof(value, fc.constant({ M: { x: { S: 'a' }, y: { L: [{ N: '5' }] } } }))),
      l: sometimes(50, keyValue('S')),
      g: sometimes(50, keyValue('S')),
      h: sometimes(50, keyValue('N')),
    })
    .map(defined);
}

/** Without the members that are not there. */
export function defined<T extends object>(members: T): Attributes {
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));
}

/** An item that every server takes, or none. */
const old = sometimes(
  75,
  attributesOf(soundValue).map(({ l, g, h, ...rest }) => ({
    ...rest,
    ...(l !== undefined && 'S' in l && { l }),
    ...(g !== undefined && 'S' in g && { g }),
    ...(h !== undefined && 'N' in h && { h }),
  })),
);

const capacity = sometimes(40, fc.constantFrom('INDEXES', 'TOTAL', 'NONE'));

interface Write {
  readonly operation: 'PutItem' | 'UpdateItem' | 'DeleteItem';
  readonly input: object;
}

interface WriteParts {
  readonly attributes: Attributes;
  readonly updateText: string | undefined;
  readonly conditionText: string | undefined;
  readonly pools: Pools;
}

const writeParts: fc.Arbitrary<WriteParts> = fc.record({
  attributes: attributesOf(anyValue),
  updateText: sometimes(95, update),
  conditionText: sometimes(45, condition),
  pools,
});

function writeOf(operation: Write['operation'], parts: WriteParts, key: Attributes): Write {
  const { attributes, conditionText } = parts;
  const updateText = operation === 'UpdateItem' ? parts.updateText : undefined;
  const input = {
    ...(operation === 'PutItem' ? { Item: { ...key, ...attributes } } : { Key: key }),
    ...(updateText !== undefined && { UpdateExpression: updateText }),
    ...(conditionText !== undefined && { ConditionExpression: conditionText }),
    ...substitutions([updateText, conditionText], parts.pools),
  };
  return { operation, input };
}

const operation = fc.constantFrom('PutItem', 'UpdateItem', 'UpdateItem', 'DeleteItem' as const);

/** A write on an item, whether it is there or not, and what it has made of it. */
const writes: fc.Arbitrary<Case> = fc
  .record({
    old,
    operation,
    parts: writeParts,
    returns: sometimes(
      60,
      fc.constantFrom('NONE', 'ALL_OLD', 'ALL_NEW', 'UPDATED_OLD', 'UPDATED_NEW', 'SOMETIMES'),
    ),
    onFailure: sometimes(20, fc.constantFrom('ALL_OLD', 'NONE')),
    capacity,
  })
  .map(({ old: before, operation: name, parts, returns, onFailure, capacity: mode }) => {
    const key = newKey();
    const { input } = writeOf(name, parts, key);
    const whole = {
      TableName,
      ...input,
      ...(returns !== undefined && { ReturnValues: returns }),
      ...(onFailure !== undefined && { ReturnValuesOnConditionCheckFailure: onFailure }),
      ...(mode !== undefined && { ReturnConsumedCapacity: mode }),
    };
    return [...putBefore(key, before), step(name, whole), getAfter(key)];
  });

const legacyWrites: fc.Arbitrary<Case> = fc
  .record({ old, operation, attributes: attributesOf(anyValue), legacy: legacyWrite })
  .map(({ old: before, operation: name, attributes, legacy }) => {
    const key = newKey();
    const { AttributeUpdates, ...rest } = legacy;
    const input = {
      TableName,
      ...(name === 'PutItem' ? { Item: { ...key, ...attributes } } : { Key: key }),
      ...(name === 'UpdateItem' && AttributeUpdates !== undefined && { AttributeUpdates }),
      ...rest,
    };
    return [...putBefore(key, before), step(name, input), getAfter(key)];
  });

const reads: fc.Arbitrary<Case> = fc
  .record({
    old,
    projection: sometimes(60, projection),
    legacy: sometimes(15, legacyRead),
    pools,
    consistent: sometimes(30, fc.boolean()),
    capacity,
    isBatch: fc.boolean(),
  })
  .map((parts) => {
    const key = newKey();
    const read = {
      ...(parts.projection !== undefined && { ProjectionExpression: parts.projection }),
      ...parts.legacy,
      ...substitutions([parts.projection], parts.pools),
      ...(parts.consistent !== undefined && { ConsistentRead: parts.consistent }),
    };
    const mode = parts.capacity !== undefined && { ReturnConsumedCapacity: parts.capacity };
    const call = parts.isBatch
      ? step('BatchGetItem', { RequestItems: { [TableName]: { Keys: [key, newKey()], ...read } }, ...mode })
      : step('GetItem', { TableName, Key: key, ...read, ...mode });
    return [...putBefore(key, parts.old), call];
  });

const batchWrites: fc.Arbitrary<Case> = fc
  .record({
    old,
    items: fc.array(attributesOf(anyValue), { minLength: 1, maxLength: 3 }),
    luck: fc.nat(9),
    capacity,
  })
  .map(({ old: before, items, luck, capacity: mode }) => {
    const [first, ...others] = [newKey(), ...items.map(newKey)] as [Attributes, ...Attributes[]];
    const puts = others.map((key, i) => ({ PutRequest: { Item: { ...key, ...items[i] } } }));
    const twice = luck === 0 ? puts.slice(0, 1) : [];
    const requests = [...puts, { DeleteRequest: { Key: first } }, ...twice];
    const input = {
      RequestItems: { [TableName]: requests },
      ...(mode !== undefined && { ReturnConsumedCapacity: mode }),
    };
    return [...putBefore(first, before), step('BatchWriteItem', input), ...[first, ...others].map(getAfter)];
  });

const actions = { PutItem: 'Put', UpdateItem: 'Update', DeleteItem: 'Delete' } as const;

const transactions: fc.Arbitrary<Case> = fc
  .record({
    old,
    actions: fc.array(
      fc.tuple(
        fc.constantFrom('PutItem', 'UpdateItem', 'DeleteItem', 'check' as const),
        writeParts,
        sometimes(30, fc.constant('ALL_OLD')),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    luck: fc.nat(15),
    capacity,
  })
  .map(({ old: before, actions: all, luck, capacity: mode }) => {
    const ownKeys = all.map(newKey);
    const used = luck === 0 ? ownKeys.map(() => ownKeys[0] as Attributes) : ownKeys;
    const TransactItems = all.map(([kind, parts, onFailure], i) =>
      action(kind, parts, used[i] as Attributes, onFailure),
    );
    const input = { TransactItems, ...(mode !== undefined && { ReturnConsumedCapacity: mode }) };
    return [
      ...ownKeys.flatMap((key, i) => putBefore(key, i % 2 === 0 ? before : undefined)),
      step('TransactWriteItems', input),
      step('TransactGetItems', { TransactItems: ownKeys.map((Key) => ({ Get: { TableName, Key } })) }),
    ];
  });

function action(
  kind: keyof typeof actions | 'check',
  parts: WriteParts,
  key: Attributes,
  onFailure: string | undefined,
): object {
  const failure = onFailure !== undefined && { ReturnValuesOnConditionCheckFailure: onFailure };
  if (kind === 'check') {
    const ConditionExpression = parts.conditionText ?? 'attribute_exists(p)';
    const values = substitutions([ConditionExpression], parts.pools);
    return { ConditionCheck: { TableName, Key: key, ConditionExpression, ...values, ...failure } };
  }
  const sound = { ...parts, updateText: parts.updateText ?? 'SET a = :0' };
  return { [actions[kind]]: { TableName, ...writeOf(kind, sound, key).input, ...failure } };
}

function putBefore(key: Attributes, attributes: Attributes | undefined): Step[] {
  return attributes === undefined ? [] : [step('PutItem', { TableName, Item: { ...key, ...attributes } })];
}

function getAfter(Key: Attributes): Step {
  return step('GetItem', { TableName, Key, ConsistentRead: true });
}

export const itemCase: fc.Arbitrary<Case> = fc.oneof(
  { weight: 8, arbitrary: writes },
  { weight: 4, arbitrary: legacyWrites },
  { weight: 2, arbitrary: reads },
  { weight: 1, arbitrary: batchWrites },
  { weight: 2, arbitrary: transactions },
);
