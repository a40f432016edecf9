import * as fc from 'fast-check';
import { indexesOf, laterIndex } from './index-generator.ts';
import { keysOf, tableKey } from './key-generator.ts';
import type {
  IndexSchema,
  ItemRequest,
  PageRequest,
  Request,
  Schema,
  TransactWriteItems,
  WriteRequest,
} from './request.ts';
import {
  anyIndex,
  batchGet,
  batchWrite,
  brimfulPut,
  bulkyWrite,
  deleteItem,
  filling,
  getItem,
  maybe,
  putItem,
  query,
  type Subject,
  scan,
  tableItself,
  updateItem,
} from './request-generator.ts';
import { transactGet, transactWrite } from './transaction-generator.ts';
import type { Item } from './value.ts';

/** One step of a sequence. `style` decides how expressions are written out. */
export type Step =
  | { readonly do: 'call'; readonly request: Exclude<Request, PageRequest>; readonly style: number }
  /** One page, or all of them, each beginning where the one before ended. */
  | { readonly do: 'page' | 'walk'; readonly request: PageRequest; readonly style: number }
  /** Sent at once. */
  | { readonly do: 'together'; readonly requests: readonly ItemRequest[]; readonly style: number }
  /** So many increments of one counter, sent at once. */
  | { readonly do: 'count'; readonly table: string; readonly key: Item; readonly times: number }
  /** So many transactions that increment counters of several items, sent at once with reads of all of them. */
  | {
      readonly do: 'transact';
      readonly table: string;
      readonly keys: readonly Item[];
      readonly times: number;
    }
  /** A transaction like these with a token, sent so many times at once: it happens once. */
  | {
      readonly do: 'race';
      readonly table: string;
      readonly keys: readonly Item[];
      readonly times: number;
    }
  /** One of the transactions with a token that were sent before. */
  | { readonly do: 'repeat'; readonly which: number; readonly style: number }
  | { readonly do: 'recreate'; readonly table: string; readonly schema: Schema }
  /** An index is created, and filled while the sequence goes on, or is deleted. */
  | {
      readonly do: 'index';
      readonly table: string;
      readonly change: { readonly create: IndexSchema } | { readonly remove: string };
    }
  /** Expired items are removed, and no others, while so many of them are renewed and these other writes are sent. */
  | {
      readonly do: 'sweep';
      readonly table: string;
      readonly renewals: number;
      readonly requests: readonly WriteRequest[];
      readonly style: number;
    }
  /** A change of the table takes its time, in which other steps are taken. Without an index, it is made anew. */
  | {
      readonly do: 'hold';
      readonly table: string;
      readonly change: { readonly create: IndexSchema } | { readonly schema: Schema };
      readonly meanwhile: readonly StepWithinHold[];
    }
  /** Time passes for the caches. */
  | { readonly do: 'pass'; readonly ms: number }
  /** Time passes for the store. */
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'restart' }
  /** The store is killed when so many of these have been answered, and starts again. */
  | {
      readonly do: 'kill';
      readonly requests: readonly CrashRequest[];
      readonly answers: number;
      readonly style: number;
    };

export type StepWithinHold = Extract<Step, { do: 'call' | 'walk' }>;

/** What must have happened whole or not at all where no answer came. */
export type CrashRequest = WriteRequest | TransactWriteItems;

export interface Sequence {
  /** The doors that it is played at, by their names. */
  readonly doors: readonly string[];
  readonly schemas: Readonly<Record<string, Schema>>;
  readonly steps: readonly Step[];
}

export interface SequenceOptions {
  readonly stepsMin: number;
  readonly stepsMax: number;
  /**
   * Whose the store is. `own`: it is closed, checked and opened again between steps, its clock set, its tables' changes
   * held up. `killed`: it is a process that is killed, between steps or in the middle of one.
   */
  readonly store: 'shared' | 'own' | 'killed';
  /** What attributes are called, the most frequent first. */
  readonly names: readonly string[];
  readonly doors: readonly string[];
}

const schema: fc.Arbitrary<Schema> = tableKey.chain((of) =>
  indexesOf(of).map((indexes) => ({ ...of, indexes })),
);

/** A table and an index that it may have later. */
const tableOfSequence = schema.chain((of) => laterIndex(of).map((later) => ({ schema: of, later })));

/** Sequences over two small tables, whose few keys are written and read again and again. */
export function sequence(options: SequenceOptions): fc.Arbitrary<Sequence> {
  const { names, store, stepsMin, stepsMax } = options;
  return fc.tuple(tableOfSequence, tableOfSequence).chain(([first, second]) => {
    const subjects: Subject[] = [
      { table: 'first', names, ...first },
      { table: 'second', names, ...second },
    ];
    const steps = fc.array(step(subjects, store), {
      minLength: stepsMin,
      maxLength: stepsMax,
      size: 'max',
    });
    return fc.record({
      doors: fc.subarray([...options.doors], { minLength: 1, maxLength: Math.min(3, options.doors.length) }),
      schemas: fc.constant({ first: first.schema, second: second.schema }),
      steps: fc.tuple(maybe(80, called(filling(subjects))), steps).map(([before, rest]) => {
        return before === undefined ? rest : [before, ...rest];
      }),
    });
  });
}

const style = fc.nat(0xffff);

/** @param subjects the first of them is the one that most steps are about */
function step(subjects: readonly Subject[], store: SequenceOptions['store']): fc.Arbitrary<Step> {
  const [first, ...others] = subjects.map(tableSteps);
  const [subject] = subjects as [Subject];
  const { table, schema: of } = subject;
  const recreated = fc.oneof(fc.constant(of), schema);
  return fc.oneof(
    { weight: 600, arbitrary: first as fc.Arbitrary<Step> },
    ...others.map((arbitrary) => ({ weight: 200, arbitrary })),
    { weight: 30, arbitrary: called(batchGet(subjects)) },
    { weight: 30, arbitrary: called(batchWrite(subjects)) },
    { weight: 80, arbitrary: called(transactWrite(subjects)) },
    { weight: 30, arbitrary: called(transactGet(subjects)) },
    {
      weight: store === 'own' ? 60 : 15,
      arbitrary: fc.record({ do: fc.constant('repeat' as const), which: fc.nat(3), style }),
    },
    { weight: 40, arbitrary: fc.constantFrom(1, 20, 60, 5_000).map((ms): Step => ({ do: 'pass', ms })) },
    { weight: 6, arbitrary: recreated.map((one): Step => ({ do: 'recreate', table, schema: one })) },
    { weight: store === 'own' ? 60 : 0, arbitrary: fc.constant<Step>({ do: 'restart' }) },
    { weight: store === 'own' ? 30 : 0, arbitrary: waiting },
    { weight: store === 'own' ? 15 : 0, arbitrary: held(subject) },
    { weight: store === 'killed' ? 80 : 0, arbitrary: killed(subjects) },
  );
}

/** A token lives for 600 seconds, or a little more. */
const waiting = fc.constantFrom(299, 601).map((seconds): Step => ({ do: 'wait', seconds }));

function called(
  request: fc.Arbitrary<Exclude<Request, PageRequest>>,
): fc.Arbitrary<Extract<Step, { do: 'call' }>> {
  return fc.record({ do: fc.constant('call' as const), request, style });
}

function tableSteps(subject: Subject): fc.Arbitrary<Step> {
  const { table, schema: of } = subject;
  const [put, get] = [putItem(subject), getItem(subject)];
  const [update, remove] = [updateItem(subject), deleteItem(subject)];
  const item: fc.Arbitrary<ItemRequest> = fc.oneof(put, update, remove, get);
  const stranger = item.map((request) => ({ ...request, table: 'nowhere' }));
  const counted = fc.record({
    do: fc.constant('count' as const),
    table: fc.constant(table),
    key: keysOf(of).key,
    times: fc.integer({ min: 2, max: 6 }),
  });
  const inquiry = fc.oneof(
    { weight: 8, arbitrary: fc.constant<Request>({ op: 'DescribeTable', table }) },
    { weight: 1, arbitrary: fc.constant<Request>({ op: 'DescribeTable', table: 'nowhere' }) },
    { weight: 1, arbitrary: fc.constant<Request>({ op: 'DeleteTable', table: 'nowhere' }) },
    { weight: 1, arbitrary: fc.constant<Request>({ op: 'CreateTable', table, schema: of }) },
  ) as fc.Arbitrary<Exclude<Request, PageRequest>>;
  const index = anyIndex(subject);
  const ofIndexes = of.indexes.length === 0 ? 1 : 6;
  const walked = fc.oneof<fc.WeightedArbitrary<PageRequest>[]>(
    { weight: 3, arbitrary: query(subject, tableItself, false) },
    { weight: 2, arbitrary: scan(subject, tableItself) },
    { weight: ofIndexes, arbitrary: query(subject, index, false) },
    { weight: Math.ceil(ofIndexes / 3), arbitrary: scan(subject, index) },
  );
  const begun = fc.oneof(query(subject, tableItself, true), query(subject, index, true));
  const transacted = fc.record({
    do: fc.constant('transact' as const),
    table: fc.constant(table),
    keys: fc.array(keysOf(of).validKey, { minLength: 2, maxLength: 4 }),
    times: fc.integer({ min: 2, max: 4 }),
  });
  return fc.oneof(
    { weight: 880, arbitrary: called(put) },
    { weight: 1040, arbitrary: called(update) },
    { weight: 240, arbitrary: called(remove) },
    { weight: 640, arbitrary: called(get) },
    { weight: 700, arbitrary: fc.record({ do: fc.constant('walk' as const), request: walked, style }) },
    { weight: 100, arbitrary: fc.record({ do: fc.constant('page' as const), request: begun, style }) },
    { weight: 40, arbitrary: transacted },
    { weight: 20, arbitrary: transacted.map((one): Step => ({ ...one, do: 'race' })) },
    { weight: 50, arbitrary: indexChange(subject) },
    { weight: 30, arbitrary: sweeping(table, fc.oneof(put, update, remove)) },
    { weight: 160, arbitrary: together(item) },
    { weight: 80, arbitrary: counted },
    { weight: 40, arbitrary: called(stranger) },
    { weight: 80, arbitrary: called(inquiry) },
    { weight: 1, arbitrary: called(brimfulPut(subject)) },
    { weight: 1, arbitrary: called(bulkyWrite(subject)) },
  );
}

/** The index that comes later is created most of the time, so that what others are there is not soon gone. */
function indexChange({ table, schema: of, later }: Subject): fc.Arbitrary<Step> {
  const creation = fc.oneof(
    { weight: 3, arbitrary: fc.constant(later) },
    { weight: 1, arbitrary: laterIndex(of) },
  );
  const names = [later, ...of.indexes].map(({ name }) => name);
  return fc.oneof(
    {
      weight: 3,
      arbitrary: creation.map((create): Step => ({ do: 'index', table, change: { create } })),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(...names)
        .map((remove): Step => ({ do: 'index', table, change: { remove } })),
    },
  );
}

function sweeping(table: string, write: fc.Arbitrary<WriteRequest>): fc.Arbitrary<Step> {
  return fc.record({
    do: fc.constant('sweep' as const),
    table: fc.constant(table),
    renewals: fc.nat(4),
    requests: fc.array(write, { maxLength: 6, size: 'max' }),
    style,
  });
}

function killed(subjects: readonly Subject[]): fc.Arbitrary<Step> {
  const writes = subjects.flatMap((one) => [putItem(one), updateItem(one), deleteItem(one)]);
  // A token would be known or not, like the items.
  const transaction = transactWrite(subjects).map(({ token: _, ...rest }) => rest);
  const request = fc.oneof<fc.Arbitrary<CrashRequest>[]>(...writes, transaction, transaction);
  return fc.record({
    do: fc.constant('kill' as const),
    requests: fc.array(request, { minLength: 1, maxLength: 12, size: 'max' }),
    answers: fc.nat(6),
    style,
  });
}

function held(subject: Subject): fc.Arbitrary<Step> {
  const { table, schema: of, later } = subject;
  const item = fc.oneof(putItem(subject), updateItem(subject), deleteItem(subject), getItem(subject));
  const ofTable = fc.constantFrom<Exclude<Request, PageRequest>>(
    { op: 'DescribeTable', table },
    { op: 'CreateTable', table, schema: of },
    { op: 'UpdateTable', table, change: { create: later } },
  );
  const call = fc.oneof({ weight: 3, arbitrary: called(item) }, { weight: 1, arbitrary: called(ofTable) });
  const read = fc.oneof(scan(subject, tableItself), query(subject, anyIndex(subject), false));
  const walked = fc.record({ do: fc.constant('walk' as const), request: read, style });
  return fc.record({
    do: fc.constant('hold' as const),
    table: fc.constant(table),
    change: fc.oneof(
      fc.constant({ create: later }),
      schema.map((one) => ({ schema: one })),
    ),
    meanwhile: fc.array(fc.oneof({ weight: 3, arbitrary: call }, { weight: 1, arbitrary: walked }), {
      minLength: 1,
      maxLength: 6,
    }) as fc.Arbitrary<StepWithinHold[]>,
  });
}

function together(item: fc.Arbitrary<ItemRequest>): fc.Arbitrary<Step> {
  const requests = fc.array(item, { minLength: 2, maxLength: 6 });
  return fc.record({ do: fc.constant('together' as const), requests, style });
}
