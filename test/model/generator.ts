import * as fc from 'fast-check';
import { keysOf, schema } from './key-generator.ts';
import type { ItemRequest, Query, Request, Scan, Schema } from './request.ts';
import {
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
  updateItem,
} from './request-generator.ts';
import { type Item, stable } from './value.ts';

/** One step of a sequence. `style` decides how expressions are written out. */
export type Step =
  | { readonly do: 'call'; readonly request: Exclude<Request, Scan>; readonly style: number }
  /** All pages, each beginning where the one before ended. */
  | { readonly do: 'walk'; readonly request: Query | Scan; readonly style: number }
  /** Sent at once. */
  | { readonly do: 'together'; readonly requests: readonly ItemRequest[]; readonly style: number }
  /** So many increments of one counter, sent at once. */
  | { readonly do: 'count'; readonly table: string; readonly key: Item; readonly times: number }
  | { readonly do: 'recreate'; readonly table: string; readonly schema: Schema }
  /** Time passes for the caches. */
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'restart' };

export interface Sequence {
  /** The doors that it is played at, by their names. */
  readonly doors: readonly string[];
  readonly schemas: Readonly<Record<string, Schema>>;
  readonly steps: readonly Step[];
}

export interface SequenceOptions {
  readonly stepsMin: number;
  readonly stepsMax: number;
  /** Whether the store is closed, checked and opened again between some steps. */
  readonly restarts: boolean;
  /** What attributes are called, the most frequent first. */
  readonly names: readonly string[];
  readonly doors: readonly string[];
}

/** Sequences over two small tables, whose few keys are written and read again and again. */
export function sequence(options: SequenceOptions): fc.Arbitrary<Sequence> {
  return fc.tuple(schema, schema).chain(([first, second]) => {
    const schemas = { first, second };
    const subjects = Object.entries(schemas).map(([table, of]) => ({
      table,
      schema: of,
      names: options.names,
    }));
    const steps = fc.array(step(subjects, options.restarts), {
      minLength: options.stepsMin,
      maxLength: options.stepsMax,
      size: 'max',
    });
    return fc.record({
      doors: fc.subarray([...options.doors], { minLength: 1, maxLength: Math.min(3, options.doors.length) }),
      schemas: fc.constant(schemas),
      steps: fc.tuple(maybe(80, called(filling(subjects))), steps).map(([before, rest]) => {
        return before === undefined ? rest : [before, ...rest];
      }),
    });
  });
}

const style = fc.nat(0xffff);

/** @param subjects the first of them is the one that most steps are about */
function step(subjects: readonly Subject[], restarts: boolean): fc.Arbitrary<Step> {
  const [first, ...others] = subjects.map(tableSteps);
  const [{ table, schema: of }] = subjects as [Subject];
  const recreated = fc.oneof(fc.constant(of), schema);
  return fc.oneof(
    { weight: 600, arbitrary: first as fc.Arbitrary<Step> },
    ...others.map((arbitrary) => ({ weight: 200, arbitrary })),
    { weight: 30, arbitrary: called(batchGet(subjects)) },
    { weight: 30, arbitrary: called(batchWrite(subjects)) },
    { weight: 40, arbitrary: fc.constantFrom(1, 20, 60, 5_000).map((ms): Step => ({ do: 'pass', ms })) },
    { weight: 6, arbitrary: recreated.map((one): Step => ({ do: 'recreate', table, schema: one })) },
    { weight: restarts ? 60 : 0, arbitrary: fc.constant<Step>({ do: 'restart' }) },
  );
}

function called(request: fc.Arbitrary<Exclude<Request, Scan>>): fc.Arbitrary<Step> {
  return fc.record({ do: fc.constant('call' as const), request, style });
}

const stepsOf = new Map<string, fc.Arbitrary<Step>>();

/** Made once for each subject. */
function tableSteps(subject: Subject): fc.Arbitrary<Step> {
  const name = stable(subject);
  const known = stepsOf.get(name) ?? newTableSteps(subject);
  stepsOf.set(name, known);
  return known;
}

function newTableSteps(subject: Subject): fc.Arbitrary<Step> {
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
  ) as fc.Arbitrary<Exclude<Request, Scan>>;
  const walked = fc.oneof({ weight: 2, arbitrary: query(subject) }, { weight: 1, arbitrary: scan(subject) });
  return fc.oneof(
    { weight: 880, arbitrary: called(put) },
    { weight: 1040, arbitrary: called(update) },
    { weight: 240, arbitrary: called(remove) },
    { weight: 640, arbitrary: called(get) },
    { weight: 480, arbitrary: fc.record({ do: fc.constant('walk' as const), request: walked, style }) },
    { weight: 80, arbitrary: called(query(subject, keysOf(of).key)) },
    { weight: 160, arbitrary: together(item) },
    { weight: 80, arbitrary: counted },
    { weight: 40, arbitrary: called(stranger) },
    { weight: 80, arbitrary: called(inquiry) },
    { weight: 1, arbitrary: called(brimfulPut(subject)) },
    { weight: 1, arbitrary: called(bulkyWrite(subject)) },
  );
}

function together(item: fc.Arbitrary<ItemRequest>): fc.Arbitrary<Step> {
  const requests = fc.array(item, { minLength: 2, maxLength: 6 });
  return fc.record({ do: fc.constant('together' as const), requests, style });
}
