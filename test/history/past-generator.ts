import * as fc from 'fast-check';
import type { Step } from '../model/generator.ts';
import { indexesOf, laterIndex } from '../model/index-generator.ts';
import { tableKey } from '../model/key-generator.ts';
import type { PageRequest, Request, Schema } from '../model/request.ts';
import {
  batchWrite,
  brimfulPut,
  deleteItem,
  filling,
  putItem,
  type Subject,
  updateItem,
} from '../model/request-generator.ts';
import { transactWrite } from '../model/transaction-generator.ts';
import type { TransferFormat } from './past-transfer.ts';

/** What happens to tables, to their histories, and to the process that keeps them. */
export type PastStep =
  | Extract<Step, { do: 'call' | 'index' | 'sweep' | 'recreate' | 'restart' }>
  | {
      readonly do: 'recover';
      readonly table: string;
      readonly isOn: boolean;
      readonly days: number | undefined;
    }
  /** The period becomes a day, and longer again: what is older is gone for good. */
  | { readonly do: 'trim'; readonly table: string }
  /** Recovery begins anew, and its first second is asked for while that lasts. */
  | { readonly do: 'restoreFirst'; readonly table: string }
  /** The clock goes on, or is set back. */
  | { readonly do: 'move'; readonly ms: number }
  | { readonly do: 'kill' }
  /** What there is to be done with files is done now. */
  | { readonly do: 'tidy' }
  | { readonly do: 'backup'; readonly table: string }
  /** Of the seconds that can be brought back, one so far along; seen to at once, or while other steps are taken. */
  | { readonly do: 'restore'; readonly table: string; readonly at: number; readonly isAwaited: boolean }
  | { readonly do: 'restoreBackup'; readonly which: number; readonly isAwaited: boolean }
  /** One of these seconds is exported, and what was is imported into another table. */
  | { readonly do: 'export'; readonly table: string; readonly at: number; readonly format: TransferFormat }
  /** What has changed from one of these seconds to another one is exported. */
  | { readonly do: 'exportChanges'; readonly table: string; readonly at: number; readonly length: number }
  /** What cannot be brought back is asked for. */
  | { readonly do: 'refuse'; readonly table: string; readonly offMs: number };

export interface PastSequence {
  readonly schemas: Readonly<Record<string, Schema>>;
  readonly steps: readonly PastStep[];
}

type Call = Exclude<Request, PageRequest>;

const names = ['a', 'b', 'c', 'd', 'size', 'né\u{1F600}', '__proto__'];
const hourMs = 3_600_000;

const schema: fc.Arbitrary<Schema> = tableKey.chain((of) =>
  indexesOf(of).map((indexes) => ({ ...of, indexes })),
);
const tableOfSequence = schema.chain((of) => laterIndex(of).map((later) => ({ schema: of, later })));

/** @param stepsMin and so many steps at most as well as at least, half of them writes. */
export function pastSequence(stepsMin: number, stepsMax: number): fc.Arbitrary<PastSequence> {
  return fc.tuple(tableOfSequence, tableOfSequence).chain(([first, second]) => {
    const subjects: Subject[] = [
      { table: 'first', names, ...first },
      { table: 'second', names, ...second },
    ];
    const steps = fc.array(step(subjects), { minLength: stepsMin, maxLength: stepsMax, size: 'max' });
    return fc.record({
      schemas: fc.constant({ first: first.schema, second: second.schema }),
      steps: fc
        .tuple(called(filling(subjects)), steps)
        .map(([before, rest]): PastStep[] => [
          { do: 'recover', table: 'first', isOn: true, days: 2 },
          { do: 'recover', table: 'second', isOn: true, days: undefined },
          before,
          ...rest,
        ]),
    });
  });
}

function step(subjects: readonly Subject[]): fc.Arbitrary<PastStep> {
  const table = fc.constantFrom(...subjects.map((subject) => subject.table));
  const isAwaited = fc.nat(3).map((luck) => luck > 0);
  return fc.oneof(
    ...subjects.map((subject) => ({ weight: 30, arbitrary: writing(subject) })),
    { weight: 6, arbitrary: called(batchWrite(subjects)) },
    { weight: 8, arbitrary: called(transaction(subjects)) },
    { weight: 6, arbitrary: recovering(table) },
    { weight: 2, arbitrary: table.map((one): PastStep => ({ do: 'trim', table: one })) },
    { weight: 1, arbitrary: table.map((one): PastStep => ({ do: 'restoreFirst', table: one })) },
    { weight: 30, arbitrary: fc.integer({ min: 1, max: 1700 }).map((ms): PastStep => ({ do: 'move', ms })) },
    {
      weight: 7,
      arbitrary: fc.integer({ min: 1, max: 20 }).map((h): PastStep => ({ do: 'move', ms: h * hourMs })),
    },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 2500 }).map((ms): PastStep => ({ do: 'move', ms: -ms })),
    },
    { weight: 8, arbitrary: fc.constant<PastStep>({ do: 'tidy' }) },
    { weight: 2, arbitrary: fc.constant<PastStep>({ do: 'restart' }) },
    { weight: 3, arbitrary: fc.constant<PastStep>({ do: 'kill' }) },
    { weight: 3, arbitrary: table.map((one): PastStep => ({ do: 'backup', table: one })) },
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constant('restore' as const),
        table,
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        isAwaited,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('restoreBackup' as const), which: fc.nat(99), isAwaited }),
    },
    { weight: 5, arbitrary: exporting(table) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('refuse' as const),
        table,
        offMs: fc.constantFrom(1000, 60_000, 90_000_000),
      }),
    },
  );
}

function exporting(table: fc.Arbitrary<string>): fc.Arbitrary<PastStep> {
  const format = fc.constantFrom<TransferFormat>('DYNAMODB_JSON', 'ION');
  return fc.oneof(
    fc.record({ do: fc.constant('export' as const), table, at: portion, format }),
    fc.record({ do: fc.constant('exportChanges' as const), table, at: portion, length: portion }),
  );
}

const portion = fc.double({ min: 0, max: 1, noNaN: true });

function recovering(table: fc.Arbitrary<string>): fc.Arbitrary<PastStep> {
  const isOn = fc.nat(4).map((luck) => luck > 0);
  const days = fc.constantFrom(undefined, 1, 2, 3, 35);
  return fc.record({ do: fc.constant('recover' as const), table, isOn, days });
}

function writing(subject: Subject): fc.Arbitrary<PastStep> {
  const { table, schema: of, later } = subject;
  const [put, update, remove] = [putItem(subject), updateItem(subject), deleteItem(subject)];
  const indexName = fc.constantFrom(...[later, ...of.indexes].map(({ name }) => name));
  const sweep = fc.record({
    do: fc.constant('sweep' as const),
    table: fc.constant(table),
    renewals: fc.nat(2),
    requests: fc.array(fc.oneof(put, update, remove), { maxLength: 4 }),
    style: fc.nat(0xffff),
  });
  return fc.oneof(
    { weight: 40, arbitrary: called(put) },
    { weight: 40, arbitrary: called(update) },
    { weight: 12, arbitrary: called(remove) },
    { weight: 1, arbitrary: called(brimfulPut(subject)) },
    { weight: 3, arbitrary: fc.constant<PastStep>({ do: 'index', table, change: { create: later } }) },
    {
      weight: 2,
      arbitrary: indexName.map((name): PastStep => ({ do: 'index', table, change: { remove: name } })),
    },
    { weight: 2, arbitrary: sweep },
    { weight: 1, arbitrary: fc.constant<PastStep>({ do: 'recreate', table, schema: of }) },
  );
}

/** Without tokens: how long one is known is not what this is about. */
function transaction(subjects: readonly Subject[]): fc.Arbitrary<Call> {
  return transactWrite(subjects).map(({ token: _, ...rest }) => rest);
}

function called(request: fc.Arbitrary<Call>): fc.Arbitrary<Extract<PastStep, { do: 'call' }>> {
  return fc.record({ do: fc.constant('call' as const), request, style: fc.nat(0xffff) });
}
