import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AttributeValue,
  compareValues,
  equalValues,
  type Item,
} from '../../protocol/attribute-value.ts';
import { bindCondition, evaluateCondition } from '../../protocol/expression/condition.ts';
import { bindProjection, projectItem } from '../../protocol/expression/projection.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { applyUpdate, bindUpdate } from '../../protocol/expression/update.ts';
import { items, names, values } from './values.ts';

/** A path as a list of steps, the first of which is a name. */
type Path = (string | number)[];
type Operand = { path: Path } | { value: AttributeValue } | { size: Operand };
type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';
type Condition =
  | { compare: Comparator; left: Operand; right: Operand }
  | { between: [Operand, Operand, Operand] }
  | { in: Operand; list: Operand[] }
  | { exists: Path; negated: boolean }
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition };

const path: fc.Arbitrary<Path> = fc
  .tuple(names, fc.array(fc.oneof(names, fc.nat({ max: 3 })), { maxLength: 2 }))
  .map(([name, steps]) => [name, ...steps]);
const scalars = values.filter((value) => 'S' in value || 'N' in value || 'B' in value);
const operand: fc.Arbitrary<Operand> = fc.oneof(
  fc.record({ path }),
  fc.record({ value: scalars }),
  fc.record({ size: fc.record({ path }) }),
);

const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4 },
    fc.record({
      compare: fc.constantFrom<Comparator>('=', '<>', '<', '<=', '>', '>='),
      left: operand,
      right: operand,
    }),
    fc.record({ between: fc.tuple(operand, operand, operand) }),
    fc.record({ in: operand, list: fc.array(operand, { minLength: 1, maxLength: 3 }) }),
    fc.record({ exists: path, negated: fc.boolean() }),
    fc.record({ all: fc.array(tie('condition'), { minLength: 2, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('condition'), { minLength: 2, maxLength: 3 }) }),
    fc.record({ not: tie('condition') }),
  ),
}));

/** Writes expressions, and collects the names and values that they refer to. */
class Printer {
  readonly names: Record<string, string> = {};
  readonly values: Record<string, AttributeValue> = {};
  #count = 0;

  path([first, ...steps]: Path): string {
    const rest = steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${this.#name(step)}`));
    return this.#name(first as string) + rest.join('');
  }

  #name(name: string): string {
    const reference = `#${name}`;
    this.names[reference] = name;
    return reference;
  }

  value(value: AttributeValue): string {
    const reference = `:v${this.#count++}`;
    this.values[reference] = value;
    return reference;
  }

  operand(operand: Operand): string {
    if ('path' in operand) return this.path(operand.path);
    if ('value' in operand) return this.value(operand.value);
    return `size(${this.operand(operand.size)})`;
  }

  condition(condition: Condition): string {
    if ('compare' in condition) {
      return `${this.operand(condition.left)} ${condition.compare} ${this.operand(condition.right)}`;
    }
    if ('between' in condition) {
      const [value, lower, upper] = condition.between.map((part) => this.operand(part));
      return `${value} BETWEEN ${lower} AND ${upper}`;
    }
    if ('in' in condition) {
      const list = condition.list.map((part) => this.operand(part));
      return `${this.operand(condition.in)} IN (${list.join(', ')})`;
    }
    if ('exists' in condition) {
      return `attribute_${condition.negated ? 'not_' : ''}exists(${this.path(condition.exists)})`;
    }
    if ('all' in condition) return condition.all.map((part) => `(${this.condition(part)})`).join(' AND ');
    if ('any' in condition) return condition.any.map((part) => `(${this.condition(part)})`).join(' OR ');
    return `NOT (${this.condition(condition.not)})`;
  }

  substitutions(): Substitutions {
    const given = <T>(map: Record<string, T>) => (Object.keys(map).length === 0 ? undefined : map);
    return new Substitutions(given(this.names), given(this.values));
  }
}

function lookUp(item: Item, steps: Path): AttributeValue | undefined {
  let value: AttributeValue | undefined = { M: item };
  for (const step of steps) {
    if (value === undefined) return undefined;
    const children: object | undefined =
      typeof step === 'number' ? ('L' in value ? value.L : undefined) : 'M' in value ? value.M : undefined;
    value = new Map(Object.entries(children ?? {})).get(String(step));
  }
  return value;
}

function operandValue(operand: Operand, item: Item): AttributeValue | undefined {
  if ('path' in operand) return lookUp(item, operand.path);
  if ('value' in operand) return operand.value;
  const measured = operandValue(operand.size, item);
  if (measured === undefined) return undefined;
  const [[type, content] = ['', '']] = Object.entries(measured);
  if (type === 'S') return { N: String(content.length) };
  if (type === 'B') return { N: String(Buffer.from(content, 'base64').length) };
  return ['N', 'BOOL', 'NULL'].includes(type) ? undefined : { N: String(Object.keys(content).length) };
}

function compare(
  operator: Comparator,
  a: AttributeValue | undefined,
  b: AttributeValue | undefined,
): boolean {
  const same = a !== undefined && b !== undefined && equalValues(a, b);
  if (operator === '=') return same;
  if (operator === '<>') return !same;
  const order = a === undefined || b === undefined ? undefined : compareValues(a, b);
  if (order === undefined) return false;
  return (
    (order < 0 && operator[0] === '<') ||
    (order > 0 && operator[0] === '>') ||
    (order === 0 && operator[1] === '=')
  );
}

function evaluate(condition: Condition, item: Item): boolean {
  if ('compare' in condition) {
    return compare(
      condition.compare,
      operandValue(condition.left, item),
      operandValue(condition.right, item),
    );
  }
  if ('between' in condition) {
    const [value, lower, upper] = condition.between.map((part) => operandValue(part, item));
    return compare('>=', value, lower) && compare('<=', value, upper);
  }
  if ('in' in condition) {
    return condition.list.some((part) =>
      compare('=', operandValue(condition.in, item), operandValue(part, item)),
    );
  }
  if ('exists' in condition) return (lookUp(item, condition.exists) === undefined) === condition.negated;
  if ('all' in condition) return condition.all.every((part) => evaluate(part, item));
  if ('any' in condition) return condition.any.some((part) => evaluate(part, item));
  return !evaluate(condition.not, item);
}

/** Statically wrong conditions are refused; which, the golden tables say. */
function isRefusal(error: unknown): boolean {
  return /distinct|BETWEEN operator requires|too many operators|size has exceeded/.test(String(error));
}

describe('conditions', () => {
  test('evaluate as a naive evaluator does', () => {
    let evaluated = 0;
    fc.assert(
      fc.property(condition, fc.array(items, { minLength: 1, maxLength: 4 }), (tree, candidates) => {
        const printer = new Printer();
        const text = printer.condition(tree);
        const bound = attempt(() => bindCondition('FilterExpression', text, printer.substitutions()));
        if (bound === undefined) return;
        for (const item of candidates) expect(evaluateCondition(bound, item)).toBe(evaluate(tree, item));
        evaluated++;
      }),
      { numRuns: 1000 },
    );
    expect(evaluated).toBeGreaterThan(500);
  });
});

function attempt<T>(bind: () => T): T | undefined {
  try {
    return bind();
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/** Paths none of which begins another, and which do not ask one value for both a name and an index. */
const separatePaths = fc.uniqueArray(path, { minLength: 1, maxLength: 4 }).filter((paths) =>
  paths.every((a, i) =>
    paths.every((b, j) => {
      const split = a.findIndex((step, k) => step !== b[k]);
      return i === j || (split >= 0 && split < b.length && typeof a[split] === typeof b[split]);
    }),
  ),
);

describe('projections', () => {
  test('of one path hold exactly what is at it', () => {
    fc.assert(
      fc.property(path, items, (steps, item) => {
        const printer = new Printer();
        const projected = projectItem(bindProjection(printer.path(steps), printer.substitutions()), item);
        const closedUp = steps.map((step) => (typeof step === 'number' ? 0 : step));
        expect(lookUp(projected, closedUp)).toEqual(lookUp(item, steps));
        if (lookUp(item, steps) === undefined) expect(Object.keys(projected)).toEqual([]);
      }),
    );
  });

  test('of several paths do not depend on their order', () => {
    fc.assert(
      fc.property(separatePaths, items, (paths, item) => {
        const project = (order: Path[]) => {
          const printer = new Printer();
          const text = order.map((steps) => printer.path(steps)).join(', ');
          return projectItem(bindProjection(text, printer.substitutions()), item);
        };
        expect(project(paths)).toEqual(project([...paths].reverse()));
      }),
    );
  });
});

describe('updates', () => {
  const actions = fc
    .tuple(separatePaths, fc.array(fc.tuple(fc.boolean(), values), { minLength: 4, maxLength: 4 }))
    .map(([paths, kinds]) =>
      paths.map((steps, i) => ({ steps, set: kinds[i]?.[0] ?? true, value: kinds[i]?.[1] })),
    );

  test('never change the item, and leave what they set at its path', () => {
    fc.assert(
      fc.property(actions, items, (list, item) => {
        const printer = new Printer();
        const sets = list.filter(({ set }) => set);
        const removes = list.filter(({ set }) => !set).map(({ steps }) => printer.path(steps));
        const assignments = sets.map(
          ({ steps, value }) => `${printer.path(steps)} = ${printer.value(value as AttributeValue)}`,
        );
        const sections = [
          ...(assignments.length > 0 ? [`SET ${assignments.join(', ')}`] : []),
          ...(removes.length > 0 ? [`REMOVE ${removes.join(', ')}`] : []),
        ];
        const update = bindUpdate(sections.join(' '), printer.substitutions());
        const before = structuredClone(item);
        const reachable = list.every(({ steps }) => isReachable(item, steps));
        if (reachable) checkSet(applyUpdate(update, item), sets, removes.length === 0);
        else expect(() => applyUpdate(update, item)).toThrow('is invalid for update');
        expect(item).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });

  function isReachable(item: Item, steps: Path): boolean {
    const parent = steps.length === 1 ? { M: item } : lookUp(item, steps.slice(0, -1));
    return parent !== undefined && (typeof steps.at(-1) === 'number' ? 'L' : 'M') in parent;
  }

  /** Where nothing is removed and no list grows, what was set is exactly where it was set. */
  function checkSet(
    item: Item,
    sets: { steps: Path; value: AttributeValue | undefined }[],
    exact: boolean,
  ): void {
    if (!exact) return;
    for (const { steps, value } of sets) {
      if (steps.every((step) => typeof step === 'string')) expect(lookUp(item, steps)).toEqual(value);
    }
  }
});

describe('contains', () => {
  test('finds in long texts what native searching finds', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(letters, letters, fc.boolean(), (unit, other, isThere) => {
        const part = unit.repeat(500) + other;
        const text = unit.repeat(4000) + (isThere ? part : '') + other.repeat(1000);
        const substitutions = new Substitutions(undefined, { ':part': { S: part } });
        const condition = bindCondition('FilterExpression', 'contains(s, :part)', substitutions);
        expect(evaluateCondition(condition, { s: { S: text } })).toBe(text.includes(part));
      }),
    );
  });
});

describe('hostile texts', () => {
  const none = () => new Substitutions(undefined, undefined);
  const filter = (text: string) => bindCondition('FilterExpression', text, none());
  const fill = (part: string) => part.repeat(Math.floor(4096 / part.length));

  test.each([
    '(',
    'NOT ',
    'NOT(',
    'f(',
    'size(',
    'a.',
    'a[0]',
    '#',
    ')',
    'a=b AND(',
    '((a)=',
    'a IN(',
    'a,',
    '\ud800',
  ])('%s over and over is refused with an error of the API', (part) => {
    for (const text of [fill(part), `${fill(part).slice(0, 4000)}a`, part.repeat(100_000)]) {
      for (const bind of [
        filter,
        (t: string) => bindUpdate(t, none()),
        (t: string) => bindProjection(t, none()),
      ]) {
        expect(() => bind(text)).toThrow(expect.objectContaining({ code: 'ValidationException' }));
      }
    }
  });

  test('any row of tokens is an expression, or refused with an error of the API', () => {
    const token = fc.constantFrom(
      ...[
        'a',
        'b',
        '#a',
        '#x',
        ':v',
        ':x',
        '(',
        ')',
        ',',
        '.',
        '[',
        ']',
        '0',
        '=',
        '<>',
        '<',
        '+',
        '-',
        '!',
        '_',
      ],
      ...['AND', 'OR', 'NOT', 'BETWEEN', 'IN', 'SET', 'REMOVE', 'ADD', 'DELETE', 'name', 'size', 'contains'],
      ...['attribute_exists', 'attribute_type', 'begins_with', 'if_not_exists', 'list_append', 'f'],
    );
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 12 }), (tokens) => {
        const text = tokens.join(' ');
        const given = () => new Substitutions({ '#a': 'a' }, { ':v': { S: 'v' } });
        for (const start of ['', 'a = ', 'SET a = ', 'SET a = b ', 'NOT (a = b) ', 'contains(']) {
          attemptRefused(() => bindCondition('ConditionExpression', start + text, given()));
          attemptRefused(() => bindUpdate(start + text, given()));
          attemptRefused(() => bindProjection(start + text, given()));
        }
      }),
      { numRuns: 500 },
    );
  });

  function attemptRefused(bind: () => unknown): void {
    try {
      bind();
    } catch (error) {
      expect(error).toMatchObject({ name: 'DynamoDbError', code: 'ValidationException' });
    }
  }

  /** By the product of the lengths, which is what native searching takes here, this would be half an hour. */
  test('a hundred parts are looked for in time linear in the lengths', () => {
    const values = { ':s': { S: awkward('b') }, ':b': { B: base64(awkward('b')) } };
    const contains = bindCondition(
      'FilterExpression',
      Array.from({ length: 50 }, () => 'contains(s, :s) OR contains(b, :b)').join(' OR '),
      new Substitutions(undefined, values),
    );
    const text = 'a'.repeat(190_000);
    expect(evaluateCondition(contains, { s: { S: text }, b: { B: base64(text) } })).toBe(false);
    const long = 'a'.repeat(390_000);
    expect(evaluateCondition(contains, { s: { S: long } })).toBe(false);
    expect(evaluateCondition(contains, { s: { S: long + awkward('b') } })).toBe(true);
    expect(evaluateCondition(contains, { b: { B: base64(awkward('b') + long) } })).toBe(true);
  });

  function awkward(middle: string): string {
    return 'a'.repeat(100_000) + middle + 'a'.repeat(100_000);
  }

  function base64(text: string): string {
    return Buffer.from(text).toString('base64');
  }

  test('a thousand pairs of parentheses are redundant, and read once', () => {
    const text = `${'('.repeat(1000)}a = b${')'.repeat(1000)}`;
    expect(() => filter(text)).toThrow('redundant parentheses');
  });

  test('groups within groups as deep as the limit on operators lets them', () => {
    const nested = `${'a=b OR ('.repeat(149)}a=b${')'.repeat(149)}`;
    expect(evaluateCondition(filter(nested), {})).toBe(false);
    const deeper = `${'NOT('.repeat(500)}a=b${')'.repeat(500)}`;
    expect(() => filter(deeper)).toThrow('too many operators');
  });

  test('hundreds of paths, the first and the last of which overlap', () => {
    const text = (last: string) => [...Array.from({ length: 800 }, (_, i) => `a${i}`), last].join(',');
    expect(Object.keys(projectItem(bindProjection(text('b'), none()), { a7: { S: '' } }))).toEqual(['a7']);
    expect(() => bindProjection(text('a0.b'), none())).toThrow('overlap');
  });
});
