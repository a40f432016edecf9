import * as fc from 'fast-check';
import type { Case, Step } from './case.ts';
import { itemCase } from './item-cases.ts';
import { pageCase } from './page-cases.ts';
import { tableCase } from './table-cases.ts';

/* A call of another case in which one member, wherever it stands, is something else, gone, or too much. */

const replacements: readonly unknown[] = [
  null,
  '',
  'x',
  'x'.repeat(300),
  0,
  -1,
  1.5,
  1e12,
  true,
  [],
  [null],
  {},
  { x: null },
  { S: 'a' },
];

type Change = { readonly value: unknown } | { readonly remove: true };

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...replacements).map((value) => ({ value })) },
  { weight: 1, arbitrary: fc.constant<Change>({ remove: true }) },
);

export const malformedCase: fc.Arbitrary<Case> = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: itemCase },
      { weight: 3, arbitrary: pageCase },
      { weight: 2, arbitrary: tableCase },
    ),
    fc.nat(),
    change,
  )
  .map(([steps, place, how]) => {
    const last = steps.findLast(({ operation }) => !/^(Get|TransactGet|Describe|Delete)/.test(operation));
    return last === undefined ? [] : [changed(last, place, how)];
  });

/** @param place which of all members, deepest ones included; counted round and round. */
function changed(step: Step, place: number, how: Change): Step {
  const copy = JSON.parse(JSON.stringify(step.input));
  const places = placesIn(copy);
  const { holder, name } = places[place % places.length] as Place;
  if ('value' in how) holder[name] = how.value;
  else delete holder[name];
  return { ...step, input: copy, sounder: step };
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly name: string;
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((name) => [{ holder, name }, ...placesIn(holder[name])]);
}
