import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Item } from '../../protocol/attribute-value.ts';
import { bindCondition, evaluateCondition } from '../../protocol/expression/condition.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';

/** Few different bytes, so that one value is often found in another. */
const binary = fc
  .array(fc.constantFrom(0x00, 0x61, 0xfb, 0xff), { maxLength: 12 })
  .map((bytes) => Buffer.from(bytes));

const pair = binary.chain((value) =>
  fc.tuple(
    fc.constant(value),
    fc.oneof(
      binary,
      fc
        .tuple(fc.nat(value.length), fc.nat(value.length))
        .map(([a, b]) => value.subarray(Math.min(a, b), Math.max(a, b))),
    ),
  ),
);

function holds(expression: string, item: Item, value: Buffer): boolean {
  const substitutions = new Substitutions(undefined, { ':x': { B: value.toString('base64') } });
  return evaluateCondition(bindCondition('ConditionExpression', expression, substitutions), item);
}

describe('binary values', () => {
  test('begin with what their bytes begin with', () => {
    fc.assert(
      fc.property(pair, ([value, prefix]) => {
        const item = { b: { B: value.toString('base64') } };
        expect(holds('begins_with(b, :x)', item, prefix)).toBe(
          value.subarray(0, prefix.length).equals(prefix),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test('contain what is anywhere among their bytes, however often they are asked', () => {
    fc.assert(
      fc.property(pair, ([value, part]) => {
        const item = { b: { B: value.toString('base64') } };
        const expected = value.includes(part);
        expect(holds('contains(b, :x)', item, part)).toBe(expected);
        expect(holds('contains(b, :x) AND contains(b, :x)', item, part)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});
