import { Big } from 'big.js';

/**
 * Attribute values as the model sees them: DynamoDB's JSON, with canonical numbers. All rules here are written down a
 * second time, as plainly as they can be, from AWS's pages; none of the product's code is used.
 */
export type Value =
  | { S: string }
  | { N: string }
  | { B: string }
  | { BOOL: boolean }
  | { NULL: boolean }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: string[] }
  | { L: Value[] }
  | { M: Item };

export interface Item {
  readonly [name: string]: Value;
}

/** Why one action of a transaction cancels it; the code is None for those that do not. */
export interface Reason {
  readonly code: string;
  readonly text: string | undefined;
  readonly item: Item | undefined;
}

/** What the model says a request must be refused with; `text` only where the model is sure of it. */
export class Refusal extends Error {
  readonly code: string;
  readonly text: string | undefined;
  readonly item: Item | undefined;
  /** One for each action of a transaction. */
  readonly reasons: readonly Reason[] | undefined;

  constructor(code: string, text?: string, item?: Item, reasons?: readonly Reason[]) {
    super(text ?? code);
    this.code = code;
    this.text = text;
    this.item = item;
    this.reasons = reasons;
  }
}

export function invalid(text?: string): Refusal {
  return new Refusal('ValidationException', text);
}

export function typeOf(value: Value): string {
  return Object.keys(value)[0] ?? '';
}

/** The attribute of this name, also where it is called `constructor`. */
export function attribute(item: Item, name: string): Value | undefined {
  return Object.hasOwn(item, name) ? item[name] : undefined;
}

/** The item with canonical numbers and sets. @throws Refusal */
export function canonicalItem(item: Item): Item {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, canonical(value)]));
}

/** @throws Refusal (AWS: HowItWorks.NamingRulesDataTypes). */
export function canonical(value: Value): Value {
  if ('N' in value) return { N: canonicalNumber(value.N) };
  if ('L' in value) return { L: value.L.map(canonical) };
  if ('M' in value) return { M: canonicalItem(value.M) };
  if ('SS' in value) return { SS: distinct(value.SS) };
  if ('NS' in value) return { NS: distinct(value.NS.map(canonicalNumber)) };
  if ('BS' in value) return { BS: distinct(value.BS) };
  return value;
}

function distinct(members: string[]): string[] {
  if (members.length === 0 || new Set(members).size < members.length) throw invalid();
  return members;
}

function canonicalNumber(text: string): string {
  const number = parseNumber(text);
  checkRange(number);
  if (number.c.length > 38) throw invalid();
  return printNumber(number);
}

function parseNumber(text: string): Big {
  try {
    return new Big(text.replace(/^\+/, ''));
  } catch {
    throw invalid();
  }
}

function checkRange(number: Big): void {
  if (number.eq(0)) return;
  if (number.e > 125 || number.e < -130) throw invalid();
}

function printNumber(number: Big): string {
  return number.eq(0) ? '0' : number.toFixed();
}

/** The sum of two numbers. @throws Refusal where it cannot be stored. */
export function sum(a: string, b: string): string {
  const result = new Big(a).plus(b);
  checkRange(result);
  if (result.c.length > 38) throw invalid();
  return printNumber(result);
}

export function negated(text: string): string {
  return printNumber(new Big(text).neg());
}

/** Whether `=` holds (AWS: Expressions.OperatorsAndFunctions): same type, sets without order. */
export function areEqual(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || b === undefined || typeOf(a) !== typeOf(b)) return false;
  const [x, y] = [Object.values(a)[0], Object.values(b)[0]];
  return typeof x === 'object' ? stable(a) === stable(b) : x === y;
}

/** Negative, zero or positive for two values of one type that has an order; otherwise undefined. */
export function order(a: Value | undefined, b: Value | undefined): number | undefined {
  if (a === undefined || b === undefined || typeOf(a) !== typeOf(b)) return undefined;
  if ('N' in a && 'N' in b) return new Big(a.N).cmp(b.N);
  const [x, y] = [bytesOf(a), bytesOf(b)];
  return x === undefined || y === undefined ? undefined : Buffer.compare(x, y);
}

/** The UTF-8 bytes of a string, or the bytes of a binary value. */
export function bytesOf(value: Value): Buffer | undefined {
  if ('S' in value) return Buffer.from(value.S);
  return 'B' in value ? Buffer.from(value.B, 'base64') : undefined;
}

/** The item's size in bytes (AWS: CapacityUnitCalculations). */
export function sizeOfItem(item: Item): number {
  return Object.entries(item).reduce(
    (size, [name, value]) => size + Buffer.byteLength(name) + sizeOf(value),
    0,
  );
}

export function sizeOf(value: Value): number {
  const bytes = bytesOf(value);
  if (bytes !== undefined) return bytes.length;
  if ('N' in value) return sizeOfNumber(value.N);
  if ('SS' in value) return value.SS.reduce((size, S) => size + sizeOf({ S }), 0);
  if ('NS' in value) return value.NS.reduce((size, N) => size + sizeOf({ N }), 0);
  if ('BS' in value) return value.BS.reduce((size, B) => size + sizeOf({ B }), 0);
  if ('L' in value) return value.L.reduce((size, element) => size + 1 + sizeOf(element), 3);
  if ('M' in value) return 3 + Object.keys(value.M).length + sizeOfItem(value.M);
  return 1;
}

/** One byte, one for every two significant digits, paired from the decimal point, one for a minus sign. */
function sizeOfNumber(text: string): number {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const digits = (whole.length % 2 === 0 ? whole : `0${whole}`) + fraction;
  const pairs = digits.match(/\d\d?/g) ?? [];
  const isZero = (pair: string) => Number(pair) === 0;
  while (pairs.length > 0 && isZero(pairs[0] ?? '')) pairs.shift();
  while (pairs.length > 0 && isZero(pairs.at(-1) ?? '')) pairs.pop();
  return 1 + pairs.length + (text.startsWith('-') ? 1 : 0);
}

/** JSON in which equal things read the same: members sorted by name, and the elements of sets sorted too. */
export function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const printed = members.map(([name, member]) => `${JSON.stringify(name)}:${stable(sorted(name, member))}`);
  return `{${printed.sort().join(',')}}`;
}

function sorted(name: string, member: unknown): unknown {
  const isSet = /^[SNB]S$/.test(name) && Array.isArray(member);
  return isSet ? [...member].sort() : member;
}
