import { describe, expect, test } from 'vitest';
import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { applyUpdate, bindUpdate, type Update, updatedAttributes } from '../../protocol/expression/update.ts';

type Names = Record<string, string>;
type Values = Record<string, AttributeValue>;

const values: Values = {
  ':1': { N: '1' },
  ':2': { N: '2' },
  ':s': { S: 'new' },
  ':l': { L: [{ S: 'x' }] },
  ':ss': { SS: ['b', 'z'] },
  ':ns': { NS: ['1'] },
  ':bs': { BS: ['YQ=='] },
  ':m': { M: { k: { S: 'v' } } },
  ':t': { BOOL: true },
  ':nul': { NULL: true },
  ':b': { B: 'YQ==' },
};

function bind(text: string, names?: Names): Update {
  return bindUpdate(text, new Substitutions(names, values));
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const nest of Object.values(value)) frozen(nest);
    Object.freeze(value);
  }
  return value;
}

const item: Item = frozen({
  pk: { S: 'key' },
  n: { N: '10' },
  s: { S: 'old' },
  l: { L: [{ S: 'zero' }, { S: 'one' }, { S: 'two' }, { S: 'three' }] },
  ss: { SS: ['a', 'b'] },
  ns: { NS: ['1', '2'] },
  bs: { BS: ['YQ=='] },
  m: { M: { a: { N: '1' }, nest: { M: { deep: { L: [{ N: '1' }] }, tags: { SS: ['b'] } } } } },
});

function list(...texts: string[]): AttributeValue {
  return { L: texts.map((S) => ({ S })) };
}

describe('applies', () => {
  test.each<[string, Record<string, AttributeValue | undefined>]>([
    ['SET s = :s', { s: { S: 'new' } }],
    ['set x=:1', { x: { N: '1' } }],
    ['SET s = (:s), x = (s)', { s: { S: 'new' }, x: { S: 'old' } }],
    ['SET n = n + :1', { n: { N: '11' } }],
    ['SET n = n - :1', { n: { N: '9' } }],
    ['SET n = :1 - n', { n: { N: '-9' } }],
    ['SET x = n + n', { x: { N: '20' } }],
    ['SET x = (n + :1)', { x: { N: '11' } }],
    ['SET x = (n) + (m).a', { x: { N: '11' } }],
    ['SET x = (m).a + n', { x: { N: '11' } }],
    ['SET x = if_not_exists(x, :1)', { x: { N: '1' } }],
    ['SET n = if_not_exists(n, :1)', { n: { N: '10' } }],
    ['SET x = if_not_exists(x, :1) + :2', { x: { N: '3' } }],
    ['SET x = if_not_exists(y, if_not_exists(z, n))', { x: { N: '10' } }],
    ['SET l = list_append(l, :l)', { l: list('zero', 'one', 'two', 'three', 'x') }],
    ['SET l = list_append(:l, l)', { l: list('x', 'zero', 'one', 'two', 'three') }],
    ['SET x = list_append(if_not_exists(x, :l), :l)', { x: list('x', 'x') }],
    ['SET s = n, n = s', { s: { N: '10' }, n: { S: 'old' } }],
    ['REMOVE s SET x = s', { s: undefined, x: { S: 'old' } }],
    ['SET m.a = :2', { m: { M: { ...mapOf(item.m), a: { N: '2' } } } }],
    ['SET m.b = :2', { m: { M: { ...mapOf(item.m), b: { N: '2' } } } }],
    ['REMOVE m.a, m.nest', { m: { M: {} } }],
    ['SET l[1] = :s', { l: list('zero', 'new', 'two', 'three') }],
    ['SET l[4] = :s', { l: list('zero', 'one', 'two', 'three', 'new') }],
    ['SET l[2000000000] = :s', { l: list('zero', 'one', 'two', 'three', 'new') }],
    [
      'SET l[84] = :1, l[37] = :2, l[17] = :s',
      { l: { L: [...listOf(item.l), { S: 'new' }, { N: '2' }, { N: '1' }] } },
    ],
    ['REMOVE l[0], l[2]', { l: list('one', 'three') }],
    ['REMOVE l[0], l[1], l[2], l[3]', { l: { L: [] } }],
    ['REMOVE l[1] SET l[3] = :s', { l: list('zero', 'two', 'new') }],
    ['SET l[3] = :s, l[9] = :s REMOVE l[1], l[7]', { l: list('zero', 'two', 'new', 'new') }],
    ['REMOVE l[17], x, m.x', {}],
    [
      'SET m.nest.deep[0] = :s',
      { m: { M: { ...mapOf(item.m), nest: { M: { deep: list('new'), tags: { SS: ['b'] } } } } } },
    ],
    ['ADD n :1, x :2', { n: { N: '11' }, x: { N: '2' } }],
    ['ADD ss :ss, x :ss', { ss: { SS: ['a', 'b', 'z'] }, x: { SS: ['b', 'z'] } }],
    ['ADD ns :ns, bs :bs', {}],
    ['ADD l[9] :1', { l: { L: [...listOf(item.l), { N: '1' }] } }],
    ['DELETE ss :ss, x :ss', { ss: { SS: ['a'] } }],
    ['DELETE bs :bs, ns :ns', { bs: undefined, ns: { NS: ['2'] } }],
  ])('%s', (text, changes) => {
    const expected: Item = {};
    for (const [name, value] of Object.entries({ ...item, ...changes })) if (value) expected[name] = value;
    expect(applyUpdate(bind(text), item)).toEqual(expected);
  });

  test('deleting all of a set inside a document', () => {
    const changed = applyUpdate(bind('DELETE m.nest.tags :ss'), item);
    expect(mapOf(changed.m).nest).toEqual({ M: { deep: { L: [{ N: '1' }] } } });
  });

  test('what is left alone is shared, not copied', () => {
    const changed = applyUpdate(bind('SET m.a = :2'), item);
    expect(changed.l).toBe(item.l);
    expect(mapOf(changed.m).nest).toBe(mapOf(item.m).nest);
  });

  test('an attribute named __proto__', () => {
    const update = bind('SET #p = :1, m.#p = :2', { '#p': '__proto__' });
    const changed = applyUpdate(update, { m: { M: {} } });
    expect(JSON.parse(JSON.stringify(changed))).toEqual(
      JSON.parse('{"m":{"M":{"__proto__":{"N":"2"}}},"__proto__":{"N":"1"}}'),
    );
    expect(JSON.stringify(applyUpdate(bind('REMOVE #p', { '#p': '__proto__' }), changed))).not.toContain(
      '"1"',
    );
  });
});

function mapOf(value: AttributeValue | undefined): Item {
  return value !== undefined && 'M' in value ? value.M : {};
}

function listOf(value: AttributeValue | undefined): AttributeValue[] {
  return value !== undefined && 'L' in value ? value.L : [];
}

describe('an item that is new', () => {
  const key: Item = frozen({ pk: { S: 'key' } });

  test.each([
    ['REMOVE a', false],
    ['REMOVE a.b, c[0]', false],
    ['DELETE a :ss', false],
    ['SET a = :1', true],
    ['ADD a :1', true],
    ['REMOVE b SET a = :1', true],
  ])('%s makes one: %s', (text, creates) => {
    const update = bind(text);
    expect(update.createsItem).toBe(creates);
    expect(Object.keys(applyUpdate(update, key, true))).toEqual(creates ? ['pk', 'a'] : ['pk']);
  });

  test('removing from a document that is not there is an error only if the item is', () => {
    expect(() => applyUpdate(bind('REMOVE a.b'), key)).toThrow('is invalid for update');
    expect(() => applyUpdate(bind('SET a.b = :1'), key, true)).toThrow('is invalid for update');
  });
});

describe('refuses for what the item is', () => {
  const invalidPath = 'The document path provided in the update expression is invalid for update';
  const absent = 'The provided expression refers to an attribute that does not exist in the item';
  const wrongType = 'An operand in the update expression has an incorrect data type';

  test.each([
    ['SET x.a = :1', invalidPath],
    ['SET s.a = :1', invalidPath],
    ['SET l.a = :1', invalidPath],
    ['SET m[0] = :1', invalidPath],
    ['SET l[9].a = :1', invalidPath],
    ['REMOVE x.a', invalidPath],
    ['REMOVE s[0]', invalidPath],
    ['SET x = y', absent],
    ['SET x = :1, y = x', absent],
    ['SET x = l[4]', absent],
    ['SET x = y + :1', absent],
    ['SET x = list_append(y, :l)', absent],
    ['SET x = s + :1', wrongType],
    ['SET x = :1 - s', wrongType],
    ['SET x = list_append(s, :l)', wrongType],
    ['ADD s :1', wrongType],
    ['ADD ss :1', wrongType],
    ['ADD ss :ns', wrongType],
    ['ADD l :ss', wrongType],
    ['DELETE n :ns', wrongType],
    ['DELETE ss :ns', wrongType],
  ])('%s', (text, message) => {
    const update = bind(text);
    expect(() => applyUpdate(update, item)).toThrow(
      expect.objectContaining({ code: 'ValidationException', message }),
    );
  });

  test('a value put too deep', () => {
    const path = Array.from({ length: 31 }, (_, i) => `a${i}`);
    let deep: AttributeValue = { M: {} };
    for (const name of path.slice(1).reverse()) deep = { M: { [name]: deep } };
    const target: Item = { a0: deep };
    const at = `SET ${path.join('.')}`;
    expect(() => applyUpdate(bind(`${at}.x = :1`), target)).not.toThrow();
    expect(() => applyUpdate(bind(`${at}.x = :m`), target)).toThrow(
      'Nesting Levels have exceeded supported limits',
    );
  });
});

function count(name: string, operands: number): string {
  return (
    'Incorrect number of operands for operator or function; ' +
    `operator or function: ${name}, number of operands: ${operands}`
  );
}

describe('refuses for what it is', () => {
  const overlap = 'Two document paths overlap with each other; must remove or rewrite one of these paths;';
  const conflict = 'Two document paths conflict with each other; must remove or rewrite one of these paths;';
  const wrongType = 'Incorrect operand type for operator or function; operator or function:';
  const misused = 'The function is not allowed to be used this way in an expression; function:';

  test.each([
    ['', 'The expression can not be empty;'],
    ['INVALID SYNTAX HERE', 'Syntax error; token: "INVALID", near: "INVALID SYNTAX"'],
    ['SET', 'Syntax error; token: "<EOF>", near: "SET"'],
    ['SET _123 = :1', 'Syntax error; token: "_", near: "SET _123"'],
    ['SET :a = :1', 'Syntax error; token: ":a", near: "SET :a ="'],
    ['SET a = :1,', 'Syntax error; token: "<EOF>", near: ","'],
    ['SET a = :1, REMOVE b', 'Syntax error; token: "REMOVE", near: ", REMOVE b"'],
    ['SET a = :1 + :2 + :1', 'Syntax error; token: "+", near: ":2 + :1"'],
    ['SET a = (:1 + :2) + :1', 'Syntax error; token: "+", near: ") + :1"'],
    ['SET a = if_not_exists(a, :1+:2)', 'Syntax error; token: "+", near: ":1+:2"'],
    ['SET a[:1] = :1', 'Syntax error; token: ":1", near: "[:1]"'],
    ['SET a = :1 * :2', 'Syntax error; token: "*", near: ":1 * :2"'],
    ['REMOVE a b', 'Syntax error; token: "b", near: "a b"'],
    ['ADD a b', 'Syntax error; token: "b", near: "a b"'],
    ['DELETE a = :1', 'Syntax error; token: "=", near: "a = :1"'],
    ['SET a = :1 SET b = :2', 'The "SET" section can only be used once in an update expression;'],
    ['REMOVE a ADD c :1 remove b', 'The "REMOVE" section can only be used once in an update expression;'],
    ['SET a = ((:1))', 'The expression has redundant parentheses;'],
    ['SET name = :1', 'Attribute name is a reserved keyword; reserved keyword: name'],
    ['SET a = f(b, c)', 'Invalid function name; function: f'],
    ['SET a = LIST_APPEND(:l, :l)', 'Invalid function name; function: LIST_APPEND'],
    ['SET a = size(b)', 'The function is not allowed in an update expression; function: size'],
    ['SET a = list_append(list_append(:l, :l), :l)', `${misused} list_append`],
    ['SET a = list_append(:l, :l) + :1', `${misused} list_append`],
    [
      'SET #a = :1',
      'An expression attribute name used in the document path is not defined; attribute name: #a',
    ],
    ['SET a = :x', 'An expression attribute value used in expression is not defined; attribute value: :x'],
    ['SET a = :1 REMOVE a', `${overlap} path one: [a], path two: [a]`],
    ['SET a.b.c = :1, a.b = :2', `${overlap} path one: [a, b, c], path two: [a, b]`],
    ['SET a[1] = :1 REMOVE a[1][1]', `${overlap} path one: [a, [1]], path two: [a, [1], [1]]`],
    ['SET a.b = :1, a[1] = :2', `${conflict} path one: [a, b], path two: [a, [1]]`],
    ['SET a = list_append(:l)', count('list_append', 1)],
    ['SET a = if_not_exists(a, :1, :2)', count('if_not_exists', 3)],
    ['SET a = list_append(:l, :s)', `${wrongType} list_append, operand type: S`],
    ['SET a = b + :s', `${wrongType} +, operand type: S`],
    ['SET a = :l - b', `${wrongType} -, operand type: L`],
    [
      'SET a = if_not_exists(:1, :2)',
      'Operator or function requires a document path; operator or function: if_not_exists',
    ],
    [
      'SET a = if_not_exists(if_not_exists(a, :1), :2)',
      'Operator or function requires a document path; operator or function: if_not_exists',
    ],
    [
      'SET a = if_not_exists(b, b)',
      'The first operand must be distinct from the remaining operands for this operator or function; ' +
        'operator: if_not_exists, first operand: [b]',
    ],
    ...(
      [
        ['ADD', ':s', 'STRING'],
        ['ADD', ':b', 'BINARY'],
        ['ADD', ':nul', 'NULL'],
        ['ADD', ':t', 'BOOLEAN'],
        ['ADD', ':l', 'LIST'],
        ['ADD', ':m', 'MAP'],
        ['DELETE', ':1', 'NUMBER'],
        ['DELETE', ':s', 'STRING'],
      ] as const
    ).map(([operator, value, type]) => [
      `${operator} a ${value}`,
      `Incorrect operand type for operator or function; operator: ${operator}, operand type: ${type}, ` +
        `typeSet: ALLOWED_FOR_${operator}_OPERAND`,
    ]),
  ])('%s', (text, message) => {
    expect(() => bind(text as string)).toThrow(
      expect.objectContaining({
        code: 'ValidationException',
        message: `Invalid UpdateExpression: ${message}`,
      }),
    );
  });

  test('300 operators are allowed, one for each sum and function', () => {
    const sums = (n: number) => `SET ${Array.from({ length: n }, (_, i) => `a${i}=:1+:2`).join(',')}`;
    expect(bind(sums(300)).paths).toHaveLength(300);
    expect(() => bind(sums(301))).toThrow('too many operators; operator count: 301');
  });

  test.each(['SET a = :1, pk = :s', 'REMOVE sk', 'ADD pk.a :1', 'DELETE sk[0] :ss'])(
    '%s changes a key',
    (text) => {
      const update = bind(text);
      const name = text.includes('pk') ? 'pk' : 'sk';
      expect(() => update.checkKeyNames(['pk', 'sk'])).toThrow(
        `One or more parameter values were invalid: Cannot update attribute ${name}. This attribute is part of the key`,
      );
      expect(() => update.checkKeyNames(['other'])).not.toThrow();
    },
  );
});

describe('a big value set over and over', () => {
  const tooBig = 'Item size to update has exceeded the maximum allowed size';
  const big: Item = { l: { L: Array.from({ length: 100_000 }, () => ({ S: '' })) }, ss: { SS: ['a'] } };
  const many = (text: (i: number) => string) => Array.from({ length: 150 }, (_, i) => text(i)).join(',');

  test.each([
    ['copied', `SET ${many((i) => `a${i}=l`)}`],
    ['appended to itself', `SET ${many((i) => `a${i}=list_append(l,l)`)}`],
  ])('%s', (_, text) => {
    expect(() => applyUpdate(bind(text), big)).toThrow(tooBig);
  });

  test('added to sets', () => {
    const members = Array.from({ length: 100_000 }, (_, i) => String(i));
    const update = bindUpdate(
      `ADD ${many((i) => `a${i} :v`)}`,
      new Substitutions(undefined, { ':v': { SS: members } }),
    );
    const sets = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`a${i}`, { SS: ['x'] }]));
    expect(() => applyUpdate(update, sets)).toThrow(tooBig);
  });
});

describe('updatedAttributes', () => {
  test.each<[string, Item | undefined, Item | undefined]>([
    ['SET s = :s, x = :1', { s: { S: 'old' } }, { s: { S: 'new' }, x: { N: '1' } }],
    ['SET x = :1', undefined, { x: { N: '1' } }],
    ['REMOVE s', { s: { S: 'old' } }, undefined],
    ['SET m.a = :2', { m: { M: { a: { N: '1' } } } }, { m: { M: { a: { N: '2' } } } }],
    ['SET m.x = :2', undefined, { m: { M: { x: { N: '2' } } } }],
    ['SET l[1] = :s', { l: list('one') }, { l: list('new') }],
    [
      'SET l[1] = :s, m.a = :2',
      { l: list('one'), m: { M: { a: { N: '1' } } } },
      { l: list('new'), m: { M: { a: { N: '2' } } } },
    ],
    ['REMOVE l[1], l[9]', { l: list('one') }, { l: list('two') }],
    ['SET l[100] = :s', undefined, undefined],
    ['ADD n :1', { n: { N: '10' } }, { n: { N: '11' } }],
    ['DELETE bs :bs', { bs: { BS: ['YQ=='] } }, undefined],
  ])('%s', (text, before, after) => {
    const update = bind(text);
    expect(updatedAttributes(update, item)).toEqual(before);
    expect(updatedAttributes(update, applyUpdate(update, item))).toEqual(after);
  });
});
