import { describe, expect, test } from 'vitest';
import type { AttributeValue } from '../../protocol/attribute-value.ts';
import { bindCondition, evaluateCondition } from '../../protocol/expression/condition.ts';
import { bindProjection } from '../../protocol/expression/projection.ts';
import { isReservedWord } from '../../protocol/expression/reserved-words.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { inOlderWords } from '../../protocol/wording.ts';

type Names = Record<string, string>;
type Values = Record<string, AttributeValue>;

function expectRefused(run: () => unknown, message: string): void {
  expect(run).toThrow(expect.objectContaining({ code: 'ValidationException', message }));
}

describe('what is given', () => {
  const tooLong = 'a'.repeat(255);

  test.each<[Names | undefined, Values | undefined, string]>([
    [{}, undefined, 'ExpressionAttributeNames must not be empty'],
    [undefined, {}, 'ExpressionAttributeValues must not be empty'],
    [{ a: 'a' }, undefined, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'],
    [{ '#': 'a' }, undefined, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#"'],
    [{ '#a-b': 'a' }, undefined, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"'],
    [
      { '#a': '' },
      undefined,
      'ExpressionAttributeNames contains invalid value: Empty attribute name for key #a',
    ],
    [
      { [`#${tooLong}`]: 'a' },
      undefined,
      'ExpressionAttributeNames contains invalid key: ' +
        'The expression attribute map contains a key that is too long; size of key: 256',
    ],
    [
      undefined,
      { [`:${tooLong}`]: { S: '' } },
      'ExpressionAttributeValues contains invalid key: ' +
        'The expression attribute map contains a key that is too long;',
    ],
    [
      { '#a': 'x'.repeat(65_536) },
      undefined,
      'ExpressionAttributeNames contains invalid value: ' +
        'Attribute name is too large, must be less than 65536 bytes for key #a',
    ],
    [undefined, { a: { S: '' } }, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "a"'],
    [undefined, { ':a': { N: 'b' } }, 'The parameter cannot be converted to a numeric value: b'],
    [
      undefined,
      { ':a': { S: 'x'.repeat(1024 * 1024) }, ':b': { S: 'x'.repeat(1024 * 1024) } },
      'ExpressionAttributeValues exceeds max size',
    ],
  ])('%o, %o', (names, values, message) => {
    expectRefused(() => new Substitutions(names, values), message);
  });

  test('the older words for a value name its key', () => {
    expectRefused(
      () => inOlderWords(() => new Substitutions(undefined, { ':a': { NS: ['1', '1'] } })),
      'ExpressionAttributeValues contains invalid value: Input collection contains duplicates for key :a',
    );
  });

  test('values are brought to their canonical form', () => {
    const substitutions = new Substitutions(undefined, { ':v': { NS: ['1.0', '2'] } });
    const condition = bindCondition('ConditionExpression', 'a = :v', substitutions);
    expect(evaluateCondition(condition, { a: { NS: ['2', '1'] } })).toBe(true);
  });
});

describe('what is used', () => {
  test('several expressions share it', () => {
    const substitutions = new Substitutions({ '#a': 'a', '#b': 'b' }, { ':v': { S: '' } });
    bindCondition('FilterExpression', '#a = :v', substitutions);
    bindProjection('#b, #a', substitutions);
    expect(() => substitutions.finish()).not.toThrow();
  });

  test('nothing was given and nothing used', () => {
    expect(() => new Substitutions(undefined, undefined).finish()).not.toThrow();
  });

  test.each<[Names | undefined, Values | undefined, string]>([
    [
      { '#a': 'a', '#b': 'b', '#c': 'c' },
      undefined,
      'Value provided in ExpressionAttributeNames unused in expressions: keys: {#b, #c}',
    ],
    [
      { '#a': 'a' },
      { ':v': { S: '' }, ':w': { S: '' } },
      'Value provided in ExpressionAttributeValues unused in expressions: keys: {:v, :w}',
    ],
  ])('%o, %o is too much', (names, values, message) => {
    const substitutions = new Substitutions(names, values);
    bindCondition('FilterExpression', 'attribute_exists(#a)', substitutions);
    expectRefused(() => substitutions.finish(), message);
  });

  test('without any expression', () => {
    expectRefused(
      () => new Substitutions({ '#a': 'a' }, undefined).finish(),
      'ExpressionAttributeNames can only be specified when using expressions',
    );
    expectRefused(
      () => new Substitutions(undefined, { ':a': { S: '' } }).finish(),
      'ExpressionAttributeValues can only be specified when using expressions',
    );
  });

  test('a projection cannot use values', () => {
    const substitutions = new Substitutions({ '#a': 'a' }, { ':a': { S: '' } });
    bindProjection('#a', substitutions);
    expectRefused(
      () => substitutions.finish(),
      'ExpressionAttributeValues can only be specified when using expressions',
    );
  });

  test('names that JavaScript objects have are not defined', () => {
    const substitutions = new Substitutions({ '#a': 'a' }, undefined);
    expect(substitutions.name('#constructor')).toBeUndefined();
    expect(substitutions.value(':constructor')).toBeUndefined();
  });
});

test('reserved words are reserved in any case of letters', () => {
  for (const word of ['ABORT', 'abort', 'Name', 'ZONE', 'ttl', 'TTL', 'values'])
    expect(isReservedWord(word)).toBe(true);
  for (const word of ['pk', 'a', 'Abort1', '']) expect(isReservedWord(word)).toBe(false);
});
