import type { Condition } from '../expression/condition.ts';
import type { Update } from '../expression/update.ts';
import type { UpdateItemInput } from '../operation.ts';
import { bindAttributeUpdates, guardTypes } from './attribute-updates.ts';
import { bindExpected } from './expected.ts';

type LegacyWrite = Pick<UpdateItemInput, 'Expected' | 'ConditionalOperator' | 'AttributeUpdates'>;

/**
 * The condition and the update of a checked write that states them by legacy parameters.
 * @returns undefined where it has none of those, and may have expressions.
 */
export function bindLegacyWrite(
  input: LegacyWrite,
): { condition: Condition | undefined; update: Update | undefined } | undefined {
  const { Expected: expected, AttributeUpdates: updates } = input;
  if (expected === undefined && updates === undefined) return undefined;
  const condition = bindExpected(input);
  if (updates === undefined) return { condition, update: undefined };
  return { condition: guardTypes(updates, condition), update: bindAttributeUpdates(updates) };
}
