import { comparableDescription } from './description.ts';
import type { Output } from './model.ts';
import { type Item, type Reason, Refusal, stable } from './value.ts';

/** What a call came to. */
export type Outcome = { readonly output: Output } | { readonly error: OutcomeError };

export interface OutcomeError {
  readonly code: string;
  readonly text: string | undefined;
  readonly item: Item | undefined;
  /** Of a cancelled transaction. */
  readonly reasons: readonly Reason[] | undefined;
}

/** @param members that an error has besides its message. */
export function errorOf(
  code: string,
  text: string,
  { Item: item, CancellationReasons: reasons }: Readonly<Record<string, unknown>>,
): OutcomeError {
  const told = reasons as readonly { Code: string; Message?: string; Item?: Item }[] | undefined;
  return {
    code,
    text,
    item: item as Item | undefined,
    reasons: told?.map(({ Code, Message, Item: shown }) => ({ code: Code, text: Message, item: shown })),
  };
}

/** What a door answered, its reply as JSON: most doors answer with the same bytes, which are looked at once. */
export type Answer = { readonly json: string } | { readonly error: OutcomeError };

export function outcomeOf(answer: Answer): Outcome {
  return 'json' in answer ? { output: JSON.parse(answer.json) } : answer;
}

/** Where the next page begins, if there is one. */
export function lastKey(outcome: Outcome): Item | undefined {
  return 'output' in outcome ? (outcome.output.LastEvaluatedKey as Item | undefined) : undefined;
}

/** What the model makes of a call. */
export function attempt(call: () => Output): Outcome {
  try {
    return { output: call() };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, text, item, reasons } = error;
    return { error: { code, text, item, reasons } };
  }
}

/** What may be answered to a call, according to the model. */
export class Expectation {
  readonly #allowed: readonly Outcome[];
  readonly #comparable: readonly string[];
  readonly #accepted = new Set<string>();

  constructor(...allowed: readonly Outcome[]) {
    this.#allowed = allowed;
    this.#comparable = allowed.flatMap((outcome) => ('output' in outcome ? comparable(outcome.output) : []));
  }

  /** @throws Error where the answer is none of those that may be. */
  check(answer: Answer, door: string): void {
    if (this.allows(answer)) return;
    const allowed = [...new Set(this.#allowed.map(printOutcome))].join('\n   or    ');
    const actual = printOutcome(outcomeOf(answer));
    throw new Error(`${door} disagrees with the model\nexpected ${allowed}\ngot      ${actual}`);
  }

  allows(answer: Answer): boolean {
    if ('error' in answer) return this.#allowed.some((outcome) => isSameError(outcome, answer.error));
    if (this.#accepted.has(answer.json)) return true;
    if (!this.#comparable.includes(comparable(JSON.parse(answer.json)))) return false;
    this.#accepted.add(answer.json);
    return true;
  }
}

/** Texts are compared where the model is sure of them. */
function isSameError(expected: Outcome, actual: OutcomeError): boolean {
  if (!('error' in expected) || !isSameReason(expected.error, actual)) return false;
  const { reasons = [] } = expected.error;
  const { reasons: told = [] } = actual;
  return reasons.length === told.length && reasons.every((reason, i) => isSameReason(reason, told[i]));
}

function isSameReason(expected: Reason, actual: Reason | undefined): boolean {
  if (actual === undefined || expected.code !== actual.code) return false;
  const isText = expected.text === undefined || expected.text === actual.text;
  return isText && stable(expected.item) === stable(actual.item);
}

/** An outcome as the reports of disagreements show it. */
export function printOutcome(outcome: Outcome): string {
  return abbreviated('output' in outcome ? comparable(outcome.output) : `refused: ${stable(outcome.error)}`);
}

/** Long strings tell nothing. */
export function abbreviated(json: string): string {
  return json.replace(/([A-Za-z/])\1{80,}/g, (run, character) => `${character}{${run.length} times}`);
}

/** An output in one spelling: what has no order is sorted, of descriptions only what the model knows is left. */
function comparable(output: Output): string {
  const {
    Table: table,
    TableDescription: description,
    Responses: responses,
    ConsumedCapacity: capacity,
  } = output;
  return stable({
    ...output,
    Table: table && comparableDescription(table),
    TableDescription: description && comparableDescription(description),
    Responses: Array.isArray(responses) ? responses : responses && unorderedMembers(responses),
    ConsumedCapacity: Array.isArray(capacity) ? unordered(capacity) : capacity,
  });
}

/** What BatchGetItem answers has no order; what TransactGetItems answers has that of the request. */
function unorderedMembers(lists: object): Output {
  return Object.fromEntries(Object.entries(lists).map(([name, items]) => [name, unordered(items)]));
}

function unordered(elements: readonly unknown[]): string[] {
  return elements.map(stable).sort();
}
