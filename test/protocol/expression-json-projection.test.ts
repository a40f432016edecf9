import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';
import { projectJson } from '../../protocol/expression/json-projection.ts';
import { bindProjection, type Projection, projectItem } from '../../protocol/expression/projection.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { ItemJson } from '../../protocol/reply.ts';

/* From JSON to JSON a projection has to leave what it leaves of the parsed item. */

const name = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    '"',
    '\\',
    '\\"',
    '","',
    '{',
    '}',
    ']',
    '":{"',
    '\n',
    '\u2028',
    '__proto__',
    'é',
    '\ud800',
    '\u{1f600}',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
);
const text = fc.oneof(
  name,
  fc.constantFrom('', '\\\\', '\\\\"', '{"S":"a"}', 'a":{"S":"b"},"a'),
  fc.string({ unit: 'binary' }),
);

const { items } = fc.letrec<{ value: AttributeValue; items: Item }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.record({ S: text }),
    fc.record({ N: fc.constantFrom('0', '-1.5') }),
    fc.record({ BOOL: fc.boolean() }),
    fc.record({ NULL: fc.constant(true) }),
    fc.record({ SS: fc.uniqueArray(text, { minLength: 1, maxLength: 3 }) }),
    fc.record({ L: fc.array(tie('value'), { maxLength: 3 }) }),
    fc.record({ M: tie('items') }),
  ),
  items: fc
    .uniqueArray(fc.tuple(name, tie('value')), { maxLength: 5, selector: ([key]) => key })
    .map((entries) => Object.fromEntries(entries)),
}));

/** Mostly of names that are there. */
const step = fc.oneof({ weight: 4, arbitrary: name }, { weight: 1, arbitrary: fc.nat(2) });
const path = fc.tuple(name, fc.array(step, { maxLength: 2 })).map(([first, rest]) => [first, ...rest]);

/** Undefined where the paths overlap or conflict. */
function projectionOf(paths: readonly (string | number)[][]): Projection | undefined {
  const names: Record<string, string> = {};
  const print = (one: string | number, i: number, at: number) => {
    if (typeof one === 'number') return `[${one}]`;
    names[`#n${i}x${at}`] = one;
    return `${at === 0 ? '' : '.'}#n${i}x${at}`;
  };
  const expression = paths.map((steps, i) => steps.map((one, at) => print(one, i, at)).join('')).join(', ');
  try {
    return bindProjection(expression, new Substitutions(names, undefined));
  } catch {
    return undefined;
  }
}

function itemOf(json: string): ItemJson {
  return new ItemJson(Buffer.from(json), 0);
}

function projectedText(projection: Projection, json: string): string {
  return projectJson(projection, itemOf(json)).json.toString();
}

describe('a projection from JSON to JSON', () => {
  test('leaves what it leaves of the parsed item', () => {
    const some = items.chain((item) => {
      const ofItem =
        Object.keys(item).length === 0 ? path : fc.constantFrom(...Object.keys(item)).map((one) => [one]);
      return fc.tuple(fc.constant(item), fc.array(fc.oneof(path, ofItem), { minLength: 1, maxLength: 4 }));
    });
    fc.assert(
      fc.property(some, ([item, paths]) => {
        const projection = projectionOf(paths);
        fc.pre(projection !== undefined);
        const json = JSON.stringify(item);
        const { json: bytes, isEmpty } = projectJson(projection, itemOf(json));
        const expected = projectItem(projection, JSON.parse(json));
        expect(JSON.parse(bytes.toString())).toEqual(expected);
        expect(Object.entries(JSON.parse(bytes.toString())).sort()).toEqual(Object.entries(expected).sort());
        expect(isEmpty).toBe(Object.keys(expected).length === 0);
      }),
      { numRuns: 1000 },
    );
  });

  const item =
    '{"a":{"S":"\\\\"},"é\\"":{"M":{"x":{"N":"1"},"y":{"S":"é"}}},"__proto__":{"L":[{"S":"]}"}]},"z":{"NULL":true}}';
  test.each<[string, (string | number)[][], string]>([
    ['nothing', [['x']], '{}'],
    ['the first attribute', [['a']], '{"a":{"S":"\\\\"}}'],
    ['the last attribute', [['z']], '{"z":{"NULL":true}}'],
    ['all of them', [['a'], ['é"'], ['__proto__'], ['z']], item],
    ['a part and a whole', [['é"', 'y'], ['z']], '{"z":{"NULL":true},"é\\"":{"M":{"y":{"S":"é"}}}}'],
    [
      'no part',
      [
        ['é"', 'absent'],
        ['a', 0],
      ],
      '{}',
    ],
    ['an element', [['__proto__', 0]], '{"__proto__":{"L":[{"S":"]}"}]}}'],
  ])('leaves %s', (_, paths, expected) => {
    expect(projectedText(projectionOf(paths) as Projection, item)).toBe(expected);
  });

  test('leaves nothing of nothing', () => {
    expect(projectedText(projectionOf([['a']]) as Projection, '{}')).toBe('{}');
  });

  test.each(['{"a', '{"a"', '{"a":{"S":"', '{"a":{"L":[', '{"a":{"S":"\\"', '{"a":'])(
    'refuses %s, which has no end',
    (json) => {
      expect(() => projectedText(projectionOf([['b']]) as Projection, json)).toThrow(SyntaxError);
    },
  );

  test('passes over megabytes of escapes and of nesting', () => {
    const hostile = [
      { S: '"'.repeat(200_000) },
      { S: '\\'.repeat(200_000) },
      { S: '\\"'.repeat(100_000) },
    ] as const;
    const nested = `${'{"L":['.repeat(50_000)}{"S":""}${']}'.repeat(50_000)}`;
    const json = `{${hostile.map((value, i) => `"h${i}":${JSON.stringify(value)}`).join()},"n":${nested},"z":{"S":"z"}}`;
    expect(projectedText(projectionOf([['z']]) as Projection, json)).toBe('{"z":{"S":"z"}}');
  });
});
