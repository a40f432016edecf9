import fc from 'fast-check';
import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';

/** Few names and contents, so that random values and expressions meet. */
export const names = fc.constantFrom('a', 'b', 'c', '__proto__');
/** In order, as the members of a set are. */
const texts = ['', 'a', 'ab', 'b', 'é'];
const numbers = ['-1', '0', '1', '1.5', '2', '12345678901234567890'];
const binaries = ['', 'YQ==', 'YWI=', '/w=='];

function members(of: string[]): fc.Arbitrary<string[]> {
  return fc.subarray(of, { minLength: 1, maxLength: 3 });
}

/** Canonical values of all types, at most four levels deep. */
export const { values, items } = fc.letrec<{ values: AttributeValue; items: Item }>((tie) => ({
  values: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.record({ S: fc.constantFrom(...texts) }),
    fc.record({ N: fc.constantFrom(...numbers) }),
    fc.record({ B: fc.constantFrom(...binaries) }),
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
