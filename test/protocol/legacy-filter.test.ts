import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AttributeType, AttributeValue, Item } from '../../protocol/attribute-value.ts';
import { evaluateCondition } from '../../protocol/expression/condition.ts';
import { bindFilter, checkConditions } from '../../protocol/legacy/filter.ts';
import type { ComparisonOperator, Condition } from '../../protocol/operation.ts';
import { validateQuery, validateScan } from '../../protocol/validate/read.ts';
import { refusal } from './refusal.ts';
import { items, names, values } from './values.ts';

const invalid = 'ValidationException: One or more parameter values were invalid:';

/** A value of each type, and none. */
const samples: Readonly<Record<AttributeType | 'missing', AttributeValue | undefined>> = {
  missing: undefined,
  S: { S: 'ab' },
  N: { N: '2' },
  B: { B: 'YWI=' },
  BOOL: { BOOL: true },
  NULL: { NULL: true },
  SS: { SS: ['b', 'ab'] },
  NS: { NS: ['1', '2'] },
  BS: { BS: ['YWI=', ''] },
  L: { L: [{ S: 'ab' }, { N: '2' }, { BOOL: true }] },
  M: { M: { ab: { N: '2' } } },
};
const sampleNames = Object.keys(samples) as (keyof typeof samples)[];

function comparing(operator: ComparisonOperator, AttributeValueList?: AttributeValue[]): Condition {
  return { ComparisonOperator: operator, ...(AttributeValueList && { AttributeValueList }) };
}

/** Whether the conditions, which must be right, let the item through. */
function passes(conditions: Record<string, Condition>, item: Item, operator?: 'AND' | 'OR'): boolean {
  const ScanFilter = checkConditions(conditions);
  const filter = bindFilter({ ScanFilter, ...(operator && { ConditionalOperator: operator }) });
  return filter === undefined || evaluateCondition(filter, item);
}

/** The samples for which the comparison holds. */
function holdsFor(operator: ComparisonOperator, list?: AttributeValue[]): string {
  const holding = sampleNames.filter((name) => {
    const value = samples[name];
    return passes({ a: comparing(operator, list) }, value === undefined ? {} : { a: value });
  });
  return holding.join(' ');
}

describe('a comparison holds for', () => {
  const present = 'S N B BOOL NULL SS NS BS L M';

  test.each<[ComparisonOperator, AttributeValue[] | undefined, string]>([
    ['EQ', [{ S: 'ab' }], 'S'],
    ['EQ', [{ N: '2.0' }], 'N'],
    ['EQ', [{ B: 'YWI=' }], 'B'],
    ['EQ', [{ BOOL: true }], 'BOOL'],
    ['EQ', [{ BOOL: false }], ''],
    ['EQ', [{ NULL: true }], 'NULL'],
    ['EQ', [{ SS: ['ab', 'b'] }], 'SS'],
    ['EQ', [{ NS: ['2e0', '1'] }], 'NS'],
    ['EQ', [{ BS: ['', 'YWI='] }], 'BS'],
    ['EQ', [{ L: [{ S: 'ab' }, { N: '2' }, { BOOL: true }] }], 'L'],
    ['EQ', [{ L: [{ N: '2' }, { S: 'ab' }, { BOOL: true }] }], ''],
    ['EQ', [{ M: { ab: { N: '2' } } }], 'M'],
    ['NE', [{ S: 'ab' }], 'missing N B BOOL NULL SS NS BS L M'],
    ['NE', [{ M: { ab: { N: '2' } } }], 'missing S N B BOOL NULL SS NS BS L'],
    ['NE', [{ N: '3' }], `missing ${present}`],
    ['LT', [{ S: 'b' }], 'S'],
    ['LT', [{ N: '2' }], ''],
    ['LT', [{ B: '/w==' }], 'B'],
    ['LE', [{ N: '2' }], 'N'],
    ['LE', [{ S: 'aa' }], ''],
    ['GT', [{ N: '-100' }], 'N'],
    ['GT', [{ S: 'ab' }], ''],
    ['GE', [{ S: 'ab' }], 'S'],
    ['GE', [{ N: '10' }], ''],
    ['BETWEEN', [{ N: '2' }, { N: '2' }], 'N'],
    ['BETWEEN', [{ S: 'a' }, { S: 'b' }], 'S'],
    ['BETWEEN', [{ N: '3' }, { N: '4' }], ''],
    ['IN', [{ S: 'x' }, { S: 'ab' }], 'S'],
    ['IN', [{ N: '1' }, { N: '2.00' }], 'N'],
    ['IN', [{ B: 'YWI=' }], 'B'],
    ['IN', [{ N: '1' }], ''],
    ['NULL', undefined, 'missing'],
    ['NULL', [], 'missing'],
    ['NOT_NULL', [], present],
    ['CONTAINS', [{ S: 'ab' }], 'S SS L'],
    ['CONTAINS', [{ S: 'b' }], 'S SS'],
    ['CONTAINS', [{ N: '2' }], 'NS L'],
    ['CONTAINS', [{ B: 'YWI=' }], 'B BS'],
    ['CONTAINS', [{ B: 'YQ==' }], 'B'],
    ['CONTAINS', [{ BOOL: true }], 'L'],
    ['CONTAINS', [{ NULL: true }], ''],
    // Neither of the two holds where the attribute is missing.
    ['NOT_CONTAINS', [{ S: 'ab' }], 'N B BOOL NULL NS BS M'],
    ['NOT_CONTAINS', [{ NULL: true }], present],
    ['BEGINS_WITH', [{ S: 'a' }], 'S'],
    ['BEGINS_WITH', [{ S: '' }], 'S'],
    ['BEGINS_WITH', [{ S: 'b' }], ''],
    ['BEGINS_WITH', [{ B: 'YQ==' }], 'B'],
  ])('%s %j: %s', (operator, list, expected) => {
    expect(holdsFor(operator, list)).toBe(expected);
  });

  test('an attribute that every object inherits is missing', () => {
    expect(passes({ constructor: comparing('NULL') }, {})).toBe(true);
    expect(passes(JSON.parse('{"__proto__": {"ComparisonOperator": "NOT_NULL"}}'), {})).toBe(false);
  });
});

describe('a comparison is refused', () => {
  const check = (condition: Condition) => refusal(() => checkConditions({ a: condition }));
  const list = (count: number): AttributeValue[] => Array.from({ length: count }, (_, i) => ({ S: `${i}` }));

  test.each<[ComparisonOperator, number[]]>([
    ['EQ', [1]],
    ['NE', [1]],
    ['LT', [1]],
    ['LE', [1]],
    ['GT', [1]],
    ['GE', [1]],
    ['CONTAINS', [1]],
    ['NOT_CONTAINS', [1]],
    ['BEGINS_WITH', [1]],
    ['NULL', [0]],
    ['NOT_NULL', [0]],
    ['BETWEEN', [2]],
    ['IN', [1, 2, 3, 101]],
  ])('%s takes %j values', (operator, accepted) => {
    const counts = [0, 1, 2, 3, 101];
    const wrongCount = `${invalid} Invalid number of argument(s) for the ${operator} ComparisonOperator`;
    for (const count of counts) {
      const expected = accepted.includes(count) ? 'accepted' : wrongCount;
      expect(check(comparing(operator, list(count)))).toBe(expected);
    }
    expect(check(comparing(operator))).toBe(accepted.includes(0) ? 'accepted' : wrongCount);
  });

  const documents = 'SS NS BS L M';

  test.each<[ComparisonOperator, string]>([
    ['EQ', ''],
    ['NE', ''],
    ['LT', `BOOL NULL ${documents}`],
    ['LE', `BOOL NULL ${documents}`],
    ['GT', `BOOL NULL ${documents}`],
    ['GE', `BOOL NULL ${documents}`],
    ['BETWEEN', `BOOL NULL ${documents}`],
    ['IN', `BOOL NULL ${documents}`],
    ['CONTAINS', documents],
    ['NOT_CONTAINS', documents],
    ['BEGINS_WITH', `N BOOL NULL ${documents}`],
  ])('%s of the types %s', (operator, expected) => {
    const refused = sampleNames.filter((type) => {
      const value = samples[type];
      if (value === undefined) return false;
      const answer = check(comparing(operator, operator === 'BETWEEN' ? [value, value] : [value]));
      const text = `${invalid} ComparisonOperator ${operator} is not valid for ${type} AttributeValue type`;
      expect(['accepted', text]).toContain(answer);
      return answer === text;
    });
    expect(refused.join(' ')).toBe(expected);
  });

  test.each<[string, Condition, string]>([
    [
      'different types',
      comparing('IN', [{ S: 'a' }, { N: '1' }]),
      `${invalid} AttributeValues inside AttributeValueList must be of same type`,
    ],
    [
      'bounds the wrong way round',
      comparing('BETWEEN', [{ N: '10' }, { N: '9' }]),
      'ValidationException: The BETWEEN condition was provided a range ' +
        'where the lower bound is greater than the upper bound',
    ],
    [
      'a value before their number',
      comparing('EQ', [{ S: 'a' }, { N: 'x' }]),
      'ValidationException: The parameter cannot be converted to a numeric value: x',
    ],
    [
      'no value',
      comparing('EQ', [{} as AttributeValue]),
      'ValidationException: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes',
    ],
    ['an empty set', comparing('CONTAINS', [{ SS: [] }]), `${invalid} An string set  may not be empty`],
  ])('for %s', (_, condition, expected) => {
    expect(check(condition)).toBe(expected);
  });

  test('for an attribute without a name', () => {
    expect(refusal(() => checkConditions({ '': comparing('NULL') }))).toBe(
      'ValidationException: Empty attribute name',
    );
  });
});

describe('several comparisons', () => {
  const one = { a: comparing('EQ', [{ N: '1' }]), b: comparing('NULL') };

  test.each<[Item, boolean, boolean]>([
    [{ a: { N: '1' } }, true, true],
    [{ a: { N: '1' }, b: { S: '' } }, false, true],
    [{}, false, true],
    [{ a: { N: '2' }, b: { S: '' } }, false, false],
  ])('of %j: AND %j, OR %j', (item, and, or) => {
    expect(passes(one, item)).toBe(and);
    expect(passes(one, item, 'AND')).toBe(and);
    expect(passes(one, item, 'OR')).toBe(or);
  });

  test('none let every item through', () => {
    expect(bindFilter({})).toBeUndefined();
    expect(bindFilter({ QueryFilter: {} })).toBeUndefined();
  });

  test('name their attributes, and reach into none', () => {
    const filter = bindFilter({ QueryFilter: checkConditions(one) });
    expect(filter?.attributeNames).toEqual(new Set(['a', 'b']));
    expect(filter?.documentNames).toEqual(new Set());
  });

  const conditions = fc.oneof(
    fc.constantFrom(comparing('NULL'), comparing('NOT_NULL')),
    values.map((value) => comparing('EQ', [value])),
    values.map((value) => comparing('NE', [value])),
    fc.constantFrom('a', 'b').map((text) => comparing('NOT_CONTAINS', [{ S: text }])),
  );
  const filters = fc
    .uniqueArray(fc.tuple(names, conditions), { selector: ([name]) => name })
    .map((entries) => Object.fromEntries(entries));

  test('hundreds of them join as few do', () => {
    fc.assert(
      fc.property(filters, items, fc.constantFrom('AND', 'OR'), (filter, item, operator) => {
        // These add nothing: all hold, or none does, since no item has the attributes.
        const neutral = comparing(operator === 'AND' ? 'NULL' : 'NOT_NULL');
        const many = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`none-${i}`, neutral]));
        const few = Object.keys(filter).length === 0 ? { none: neutral } : filter;
        expect(passes({ ...many, ...few }, item, operator)).toBe(passes(few, item, operator));
      }),
    );
  });

  test('a request full of them costs each item what the item has, not what the request has', () => {
    const ScanFilter = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, i) => [`a${i}`, comparing('NULL')]),
    );
    const filter = bindFilter({ ScanFilter });
    const start = performance.now();
    for (let i = 0; i < 100_000; i++) filter?.holds({ b: { S: 'x' } });
    expect(filter?.holds({ b: { S: 'x' } })).toBe(true);
    expect(filter?.holds({ a7: { S: 'x' } })).toBe(false);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  test('a long list for IN is looked up in, not searched', () => {
    const list = Array.from({ length: 100_000 }, (_, i) => ({ N: `${i}` }));
    const filter = bindFilter({ ScanFilter: checkConditions({ a: comparing('IN', list) }) });
    const start = performance.now();
    for (let i = 0; i < 100_000; i++) filter?.holds({ a: { N: '-1' } });
    expect(filter?.holds({ a: { N: '-1' } })).toBe(false);
    expect(filter?.holds({ a: { N: '99999' } })).toBe(true);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe('in a request', () => {
  const scan = (members: object) => refusal(() => validateScan({ TableName: 'abc', ...members }));
  const query = (members: object) => refusal(() => validateQuery({ TableName: 'abc', ...members }));
  const a = comparing('NULL');
  const wrong = { a: comparing('EQ') };
  const wrongCount = `${invalid} Invalid number of argument(s) for the EQ ComparisonOperator`;
  const duplicate = `${invalid} Duplicate value in attribute name: a`;
  const nothingToJoin = 'ValidationException: ConditionalOperator cannot be used without Filter or Expected';
  const oneToJoin =
    'ValidationException: ConditionalOperator can only be used when Filter or Expected has two or more elements';

  test.each<[object, string]>([
    [{ ScanFilter: { a } }, 'accepted'],
    [{ ScanFilter: { a, b: a }, ConditionalOperator: 'OR' }, 'accepted'],
    [{ ScanFilter: { a }, ConditionalOperator: 'OR' }, oneToJoin],
    // In most regions Scan is in the older layer, which looks at the conditions first (paritysuite, deepRequests).
    [{ ScanFilter: wrong, ConditionalOperator: 'AND' }, wrongCount],
    [{ ScanFilter: {}, ConditionalOperator: 'AND' }, nothingToJoin],
    [{ ConditionalOperator: 'AND', AttributesToGet: ['a', 'a'] }, duplicate],
    [{ ScanFilter: wrong, AttributesToGet: ['a', 'a'] }, duplicate],
    [{ ScanFilter: wrong, ExclusiveStartKey: { p: {} } }, wrongCount],
    [{ ScanFilter: wrong, Segment: 1 }, wrongCount],
    [
      { ScanFilter: { a }, AttributesToGet: ['a'], ConditionalOperator: 'OR', FilterExpression: 'x' },
      'ValidationException: Can not use both expression and non-expression parameters in the same request: ' +
        'Non-expression parameters: {AttributesToGet, ScanFilter, ConditionalOperator} ' +
        'Expression parameters: {FilterExpression}',
    ],
  ])('Scan %j: %s', (members, expected) => {
    expect(scan(members)).toBe(expected);
  });

  test.each<[object, string]>([
    [{ QueryFilter: { a }, KeyConditions: {} }, 'accepted'],
    [{ QueryFilter: wrong }, wrongCount],
    [{ QueryFilter: wrong, AttributesToGet: ['a', 'a'] }, wrongCount],
    [{ AttributesToGet: ['a', 'a'] }, duplicate],
    [{ ConditionalOperator: 'OR' }, nothingToJoin],
    [{ ConditionalOperator: 'OR', KeyConditions: { a, b: a } }, nothingToJoin],
    [
      { QueryFilter: { a } },
      'ValidationException: Either the KeyConditions or KeyConditionExpression parameter ' +
        'must be specified in the request.',
    ],
  ])('Query %j: %s', (members, expected) => {
    expect(query(members)).toBe(expected);
  });

  test('values come in canonical form, and the input stays as it is', () => {
    const input = { TableName: 'abc', ScanFilter: { a: comparing('EQ', [{ N: '1.0' }]) } };
    const before = structuredClone(input);
    expect(validateScan(input).ScanFilter).toEqual({ a: comparing('EQ', [{ N: '1' }]) });
    expect(input).toEqual(before);
  });
});
