import { stable } from './comparison.ts';
import type { Answer, Call, Peer } from './peer.ts';
import { itemsTable, keySchema } from './tables.ts';

/**
 * A request with several faults is told of one of them, and servers choose differently. Which fault a text is about, and
 * that the fault is really there, shows in the least request that is still answered with that text.
 */

/** How often the request is made smaller at most. */
const roundsMax = 30;

/**
 * Takes parts out of a call as long as the server's answer stays the same.
 * @param sounder the call before something was changed in it, if it was.
 * @returns the call from which nothing more can be taken.
 */
export async function leastCall(
  call: Call,
  sounder: Call | undefined,
  peer: Peer,
  answer: Answer,
): Promise<Call> {
  const wanted = stable(answer);
  let least = sounder === undefined || stable(await peer.call(sounder)) !== wanted ? call : sounder;
  for (let round = 0; round < roundsMax; round++) {
    const lesser = await firstAnswered(lesserCalls(least), peer, wanted);
    if (lesser === undefined) break;
    least = lesser;
  }
  return least;
}

async function firstAnswered(calls: readonly Call[], peer: Peer, wanted: string): Promise<Call | undefined> {
  for (const call of calls) if (stable(await peer.call(call)) === wanted) return call;
  return undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** The call without one of its parts, each in turn, and with no substitutions that nothing needs any more. */
function lesserCalls(call: Call): Call[] {
  const used = referencesIn(call.input);
  const inputs = [...withoutPart(call.input)].map((input) => withoutUnneeded(input, used));
  const definitions = call.operation === 'CreateTable' ? sounderDefinitions(call.input) : [];
  return [withoutUnneeded(call.input, everything), ...definitions, ...inputs]
    .filter((input) => stable(input) !== stable(call.input))
    .map((input) => ({ ...call, input: input as Json }));
}

/** What belongs together in the definition of a table, sound. */
function sounderDefinitions(input: Json): Json[] {
  const { ProvisionedThroughput: _, ...onDemand } = input;
  const { LocalSecondaryIndexes: __, GlobalSecondaryIndexes: ___, ...bare } = input;
  const AttributeDefinitions = [{ AttributeName: 'p', AttributeType: 'S' }];
  return [
    { ...onDemand, BillingMode: 'PAY_PER_REQUEST' },
    { ...onDemand, BillingMode: 'PAY_PER_REQUEST', KeySchema: keySchema('p'), AttributeDefinitions },
    { ...bare, KeySchema: keySchema('p'), AttributeDefinitions },
  ];
}

/** Members without which a request, or a part of one, has a fault that it did not have. */
const needed: ReadonlySet<string> = new Set([
  'TableName',
  'Key',
  'Item',
  'Keys',
  'p',
  's',
  'RequestItems',
  'TransactItems',
  'KeyConditionExpression',
  'KeyConditions',
  'Segment',
  'TotalSegments',
  'UpdateExpression',
  'IndexName',
  'BillingMode',
  'KeySchema',
  'AttributeDefinitions',
  'Projection',
  'TimeToLiveSpecification',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'PutRequest',
  'DeleteRequest',
  'ConditionCheck',
  'Put',
  'Update',
  'Delete',
  'Get',
]);

/** Members of which parts can be left out. The others stay whole: values, conditions, definitions. */
const divisible: ReadonlySet<string> = new Set([
  'RequestItems',
  'PutRequest',
  'TransactItems',
  'Put',
  'Update',
  'Delete',
  'Item',
  'AttributesToGet',
  'LocalSecondaryIndexes',
  'GlobalSecondaryIndexes',
  'GlobalSecondaryIndexUpdates',
]);

function* withoutPart(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  const entries = Object.entries(value);
  const isList = Array.isArray(value);
  for (const [name] of entries) {
    if (isList ? entries.length > 1 : !needed.has(name)) yield without(value, name);
  }
  for (const [name, member] of entries) {
    for (const lesser of lesserMembers(name, member, isList)) yield replaced(value, name, lesser);
  }
}

function* lesserMembers(name: string, member: unknown, isElement: boolean): Generator<unknown> {
  const sound = soundMembers[name];
  if (sound !== undefined) yield sound;
  if (name.endsWith('Expression')) {
    yield* withoutClause(String(member), name === 'KeyConditionExpression' ? 1 : 0);
  } else if (name in entryMaps && typeof member === 'object' && member !== null) {
    yield* lesserEntries(name, member);
  } else if (isElement || divisible.has(name) || name === itemsTable) {
    yield* withoutPart(member);
  }
}

/** What takes the place of a member that another fault may need to be there. */
const soundMembers: Readonly<Record<string, unknown>> = {
  UpdateExpression: 'REMOVE nothing',
  ConditionExpression: 'attribute_not_exists(nothing)',
  FilterExpression: 'attribute_not_exists(nothing)',
  ProjectionExpression: 'p',
  Segment: 0,
};

/** Maps of which one entry stays, and what can take the place of an entry. */
const entryMaps: Readonly<Record<string, object | undefined>> = {
  Expected: { ComparisonOperator: 'NULL', AttributeValueList: [] },
  QueryFilter: { ComparisonOperator: 'NULL', AttributeValueList: [] },
  ScanFilter: { ComparisonOperator: 'NULL', AttributeValueList: [] },
  AttributeUpdates: { Action: 'DELETE' },
  // The condition on the partition key stays.
  KeyConditions: undefined,
};

function* lesserEntries(name: string, map: object): Generator<unknown> {
  const sound = entryMaps[name];
  const [first, ...others] = Object.keys(map);
  for (const key of others) yield without(map, key);
  if (sound === undefined || first === undefined) return;
  if (others.length > 0) yield without(map, first);
  for (const [key, entry] of Object.entries(map)) {
    yield replaced(map, key, sound);
    const { ComparisonOperator: operator, AttributeValueList: list } = entry ?? {};
    if (list !== undefined && operator !== 'NULL') {
      yield replaced(map, key, { ...entry, AttributeValueList: [{ S: 'a' }] });
      yield replaced(map, key, { ...entry, ComparisonOperator: 'EQ' });
    }
  }
}

function without(value: object, name: string): unknown {
  if (Array.isArray(value)) return value.filter((_, i) => String(i) !== name);
  return Object.fromEntries(Object.entries(value).filter(([member]) => member !== name));
}

function replaced(value: object, name: string, content: unknown): unknown {
  if (Array.isArray(value)) return value.map((element, i) => (String(i) === name ? content : element));
  return { ...value, [name]: content };
}

/**
 * Expressions lose a condition, an operand of a list or a whole section.
 * @param first the first part that may be lost.
 */
function* withoutClause(text: string, first: number): Generator<string> {
  const sections = text.split(/ (?=(?:SET|REMOVE|ADD|DELETE) )/);
  for (const [i, section] of sections.entries()) {
    const others = sections.filter((_, j) => j !== i);
    if (others.length > 0) yield others.join(' ');
    const [keyword = ''] = /^(?:(?:SET|REMOVE|ADD|DELETE) )?/.exec(section) ?? [];
    for (const lesser of withoutOperand(section.slice(keyword.length), first)) {
      yield sections.map((one, j) => (j === i ? keyword + lesser : one)).join(' ');
    }
  }
}

function* withoutOperand(text: string, first: number): Generator<string> {
  for (const [pattern, joint] of joints) {
    const parts = text.replace(between, 'BETWEEN $1 TO').split(pattern);
    if (parts.length < 2) continue;
    for (let i = first; i < parts.length; i++) {
      const rest = parts.filter((_, j) => j !== i).join(joint);
      yield balanced(rest.replaceAll(' TO ', ' AND '));
    }
  }
}

/** Its AND joins no conditions. */
const between = /BETWEEN (\S+) AND/g;

/** Without the parenthesis that has lost the other one. */
function balanced(text: string): string {
  const opened = text.split('(').length - text.split(')').length;
  if (opened === 0) return text;
  return opened > 0 ? text.replace(/(^| )\(/, '$1') : text.replace(/\)$/, '');
}

const joints: readonly (readonly [pattern: RegExp, joint: string])[] = [
  [/ (?:AND|or) /, ' AND '],
  [/, (?![^(]*\))/, ', '],
];

const substitutionMaps: ReadonlySet<string> = new Set([
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
]);

type References = Pick<ReadonlySet<string>, 'has'>;

function referencesIn(input: unknown): References {
  return new Set(
    expressionsIn(input)
      .join(' ')
      .match(/[#:]\w+/g),
  );
}

function expressionsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name.endsWith('Expression') ? [String(member)] : expressionsIn(member),
  );
}

/** What every request uses, so that what this one does not use is dropped. */
const everything = { has: () => true };

/** @param before the references of the whole request: what none of its expressions used, stays. */
function withoutUnneeded(value: unknown, before: References): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element) => withoutUnneeded(element, before));
  const after = referencesIn(value);
  const entries = Object.entries(value).flatMap(([name, member]) => {
    if (!substitutionMaps.has(name)) return [[name, withoutUnneeded(member, before)] as const];
    const kept = neededOf(member, before, after);
    return kept === undefined ? [] : [[name, kept] as const];
  });
  return Object.fromEntries(entries);
}

/** Those that are used still, or never were; nothing where none are left of some. */
function neededOf(map: unknown, before: References, after: References): unknown {
  if (typeof map !== 'object' || map === null) return map;
  const all = Object.entries(map);
  const kept = all.filter(([reference]) => after.has(reference) || !before.has(reference));
  return kept.length === 0 && all.length > 0 ? undefined : Object.fromEntries(kept);
}
