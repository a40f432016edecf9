import { describe, expect, test } from 'vitest';
import type { Item } from '../../protocol/attribute-value.ts';
import { bindProjection, projectItem } from '../../protocol/expression/projection.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';

function bind(text: string, names?: Record<string, string>) {
  return bindProjection(text, new Substitutions(names, undefined));
}

const item: Item = {
  pk: { S: 'key' },
  s: { S: 'text' },
  l: { L: [{ N: '0' }, { N: '1' }, { M: { a: { S: 'a' }, b: { S: 'b' } } }, { L: [{ S: 'in' }] }] },
  m: { M: { a: { N: '1' }, b: { M: { c: { N: '2' }, d: { N: '3' } } }, 'x.y': { S: 'dot' } } },
};

describe('projects', () => {
  test.each<[string, Item]>([
    ['pk', { pk: { S: 'key' } }],
    ['s, pk', { pk: { S: 'key' }, s: { S: 'text' } }],
    ['absent', {}],
    ['m', { m: item.m as never }],
    ['m.a', { m: { M: { a: { N: '1' } } } }],
    ['m.a, m.b.d', { m: { M: { a: { N: '1' }, b: { M: { d: { N: '3' } } } } } }],
    ['m.b.absent', {}],
    ['m.a.b, s.a', {}],
    ['m[0], s[0]', {}],
    ['l[1]', { l: { L: [{ N: '1' }] } }],
    ['l[3], l[0]', { l: { L: [{ N: '0' }, { L: [{ S: 'in' }] }] } }],
    ['l[10], l[2].b, l[2].a', { l: { L: [{ M: { a: { S: 'a' }, b: { S: 'b' } } }] } }],
    ['l[3][0]', { l: { L: [{ L: [{ S: 'in' }] }] } }],
    ['l[3][1], l[9], l[0].a', {}],
    ['#m.#xy', { m: { M: { 'x.y': { S: 'dot' } } } }],
  ])('%s', (text, projected) => {
    const names = text.includes('#') ? { '#m': 'm', '#xy': 'x.y' } : undefined;
    expect(projectItem(bind(text, names), item)).toEqual(projected);
  });

  test('an attribute named __proto__', () => {
    const odd: Item = JSON.parse('{"__proto__":{"S":"a"},"m":{"M":{"__proto__":{"S":"b"}}}}');
    const projected = projectItem(bind('#p, m.#p', { '#p': '__proto__' }), odd);
    expect(JSON.stringify(projected)).toBe(JSON.stringify(odd));
    expect(projectItem(bind('#p', { '#p': '__proto__' }), {})).toEqual({});
  });
});

const overlap = 'Two document paths overlap with each other; must remove or rewrite one of these paths;';
const conflict = 'Two document paths conflict with each other; must remove or rewrite one of these paths;';

describe('refuses', () => {
  test.each([
    ['', 'The expression can not be empty;'],
    ['a,', 'Syntax error; token: "<EOF>", near: ","'],
    ['a b', 'Syntax error; token: "b", near: "a b"'],
    ['a, (b)', 'Syntax error; token: "(", near: ", (b"'],
    [':a', 'Syntax error; token: ":a", near: ":a"'],
    ['a, name', 'Attribute name is a reserved keyword; reserved keyword: name'],
    ['#n', 'An expression attribute name used in the document path is not defined; attribute name: #n'],
    ['a, a', `${overlap} path one: [a], path two: [a]`],
    ['a, b, #a', `${overlap} path one: [a], path two: [a]`],
    ['a, a.b', `${overlap} path one: [a], path two: [a, b]`],
    ['a.b[1].c, a.b', `${overlap} path one: [a, b, [1], c], path two: [a, b]`],
    ['a[1], a.b', `${conflict} path one: [a, [1]], path two: [a, b]`],
    ['a.b.c, a.b[0]', `${conflict} path one: [a, b, c], path two: [a, b, [0]]`],
    ['a[1], a.b, c, c', `${overlap} path one: [c], path two: [c]`],
    [`a${'.b'.repeat(32)}`, 'The document path has too many nesting levels; nesting levels: 33'],
    [`${' '.repeat(4096)}a`, 'Expression size has exceeded the maximum allowed size;'],
  ])('%s', (text, message) => {
    expect(() => bind(text, { '#a': 'a' })).toThrow(
      expect.objectContaining({
        code: 'ValidationException',
        message: `Invalid ProjectionExpression: ${message}`,
      }),
    );
  });

  test('32 steps are allowed, names need not be there for every item', () => {
    expect(projectItem(bind(`a${'.b'.repeat(31)}`), item)).toEqual({});
  });
});
