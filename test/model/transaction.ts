import { capacities, readUnits, sizeOf, tableOnly, type Units, withIndexes, writeUnits } from './cost.ts';
import { checkProjection, projected } from './page.ts';
import type { TransactAction, TransactGetItems, TransactWriteItems } from './request.ts';
import { checkKey, entryChanges, keyOf, type Table } from './table.ts';
import { canonicalItem, type Item, invalid, type Reason, Refusal, stable } from './value.ts';
import { checkAgainstTable, checkExpressions, checkedAttributes, evaluated, store } from './write.ts';

type Output = Record<string, unknown>;
/** @throws Refusal if there is no such table. */
type FindTable = (name: string) => Table;

interface Placed {
  readonly name: string;
  readonly table: Table;
  /** What is put, or the key. */
  readonly attributes: Item;
}

/** Transactions of one region (AWS: API_TransactWriteItems, API_TransactGetItems). */
export class Transactions {
  readonly #find: FindTable;
  /** In seconds. */
  readonly #now: () => number;
  readonly #tokens = new Map<string, { readonly request: string; readonly time: number }>();

  constructor(find: FindTable, now: () => number) {
    this.#find = find;
    this.#now = now;
  }

  /** @throws Refusal */
  write(request: TransactWriteItems): Output {
    const { actions, token } = request;
    if (actions.some((action) => action.op === 'UpdateItem' && action.update === undefined)) throw invalid();
    const checked = actions.map((action) => {
      checkExpressions(action);
      return { action, name: action.table, attributes: checkedAttributes(action) };
    });
    const known = token === undefined ? undefined : this.#tokens.get(token);
    const isKnown = known !== undefined && this.#now() < known.time + tokenLife;
    if (isKnown && known.request !== stable(actions))
      throw new Refusal('IdempotentParameterMismatchException');
    const placed = checked.map((one) => ({ ...one, table: this.#find(one.name) }));
    checkAll(placed, ({ table, action, attributes }) => checkAgainstTable(table, action, attributes));
    if (isKnown) return capacities(request.capacity, placed.map(readCost), 'Read');
    const costs = writeAll(placed);
    if (token !== undefined) this.#tokens.set(token, { request: stable(actions), time: this.#now() });
    return capacities(request.capacity, costs, 'Write');
  }

  /** @throws Refusal */
  get({ gets, capacity }: TransactGetItems): Output {
    const checked = gets.map((get) => {
      checkProjection(get.projection);
      return { ...get, name: get.table, attributes: canonicalItem(get.key) };
    });
    const placed = checked.map((get) => ({ ...get, table: this.#find(get.name) }));
    checkAll(placed, ({ table, attributes }) => checkKey(table, attributes));
    const responses = placed.map(({ table, attributes, projection }) => {
      const item = table.get(attributes);
      const shown = item && projected(item, projection);
      return shown === undefined || Object.keys(shown).length === 0 ? {} : { Item: shown };
    });
    return { Responses: responses, ...capacities(capacity, placed.map(readCost), 'Read') };
  }
}

/** In seconds (AWS: API_TransactWriteItems, ClientRequestToken). */
const tokenLife = 600;

/** A transaction that does not fit its tables is cancelled for the first action that does not. */
function checkAll<P extends Placed>(placed: readonly P[], check: (one: P) => void): void {
  const reasons = placed.map((one) => outcomeOf(() => check(one)).reason);
  const fitting = placed.filter((_, i) => reasons[i] === undefined);
  const targets = fitting.map(({ name, table, attributes }) => name + stable(keyOf(table, attributes)));
  if (new Set(targets).size < targets.length) {
    throw invalid('Transaction request cannot include multiple operations on one item');
  }
  const first = reasons.findIndex((reason) => reason !== undefined);
  if (first !== -1) throw cancelled(reasons.map((reason, i) => (i === first ? reason : undefined)));
}

/** Each action sees what was there before all of them, as no two are on one item. */
function writeAll(placed: readonly (Placed & { readonly action: TransactAction })[]): Cost[] {
  const outcomes = placed.map((one) => outcomeOf(() => evaluated(one.table, one.action, one.attributes)));
  const results = outcomes.flatMap(({ result }) => result ?? []);
  if (results.length < placed.length) throw cancelled(outcomes.map(({ reason }) => reason));
  return results.map((written, i) => {
    const { name, table, attributes } = placed[i] as Placed;
    const { old, item } = written;
    const units = withIndexes(2 * writeUnits(old, item), entryChanges(table, old, item));
    store(table, attributes, written);
    return { table: name, units };
  });
}

interface Cost {
  readonly table: string;
  readonly units: Units;
}

function readCost({ name, table, attributes }: Placed): Cost {
  return { table: name, units: tableOnly(2 * readUnits(sizeOf(table.get(attributes)), true)) };
}

interface Outcome<Result> {
  readonly result?: Result;
  readonly reason?: Reason;
}

/** @throws Refusal that is one of the whole request */
function outcomeOf<Result>(act: () => Result): Outcome<Result> {
  try {
    return { result: act() };
  } catch (error) {
    if (!(error instanceof Refusal) || isAboutRequest(error)) throw error;
    const isCondition = error.code === 'ConditionalCheckFailedException';
    const code = isCondition ? 'ConditionalCheckFailed' : 'ValidationError';
    return { reason: { code, text: error.text, item: error.item } };
  }
}

/** Empty values for keys are errors of the request and cancel nothing. */
function isAboutRequest({ text }: Refusal): boolean {
  return text?.startsWith('One or more parameter values are not valid.') === true;
}

function cancelled(reasons: readonly (Reason | undefined)[]): Refusal {
  const told = reasons.map((reason) => reason ?? { code: 'None', text: undefined, item: undefined });
  const codes = told.map(({ code }) => code).join(', ');
  const text = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`;
  return new Refusal('TransactionCanceledException', text, undefined, told);
}
