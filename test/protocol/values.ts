import fc from 'fast-check';
import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';

/** Few names and contents, so that random values and expressions meet. */
export const names = fc.constantFrom('a', 'b', 'c', '__proto__');
const texts = fc.constantFrom('', 'a', 'ab', 'b', 'é');
const numbers = fc.constantFrom('0', '1', '2', '-1', '1.5', '12345678901234567890');
const binaries = fc.constantFrom('', 'YQ==', 'YWI=', '/w==');

function members(of: fc.Arbitrary<string>): fc.Arbitrary<string[]> {
  return fc.uniqueArray(of, { minLength: 1, maxLength: 3 });
}

/** Canonical values of all types, at most four levels deep. */
export const { values, items } = fc.letrec<{ values: AttributeValue; items: Item }>((tie) => ({
  values: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.record({ S: texts }),
    fc.record({ N: numbers }),
    fc.record({ B: binaries }),
    fc.record({ BOOL: fc.boolean() }),
    fc.record({ NULL: fc.constant(true) }),
    fc.record({ SS: members(texts) }),
    fc.record({ NS: members(numbers) }),
    fc.record({ BS: members(binaries) }),
    fc.record({ L: fc.array(tie('values'), { maxLength: 3 }) }),
    fc.record({ M: tie('items') }),
  ),
  items: fc
    .uniqueArray(fc.tuple(names, tie('values')), { maxLength: 3, selector: ([name]) => name })
    .map((entries) => Object.fromEntries(entries)),
}));
