import {
  type AttributeValue,
  attributeType,
  compareValues,
  equalValues,
  getAttribute,
  type Item,
} from '../attribute-value.ts';
import type { Comparator } from './ast.ts';
import type { BoundFunction, BoundOperand } from './binding.ts';
import type { BoundComparison, BoundCondition, BoundLogical } from './condition-binding.ts';
import { valueAt } from './paths.ts';
import { includes } from './search.ts';

export type Predicate = (item: Item) => boolean;
type Reader = (item: Item) => AttributeValue | undefined;

/** Turns a bound condition into a function, once, so that evaluating one item neither looks up nor decides anything. */
export function compileCondition(condition: BoundCondition): Predicate {
  switch (condition.kind) {
    case 'logical':
      return compileLogical(condition);
    case 'comparison':
      return compileComparison(condition);
    case 'function':
      return compileFunction(condition);
  }
}

function compileLogical({ operator, conditions }: BoundLogical): Predicate {
  const predicates = conditions.map(compileCondition);
  const [first] = predicates as [Predicate, ...Predicate[]];
  switch (operator) {
    case 'AND':
      return (item) => predicates.every((predicate) => predicate(item));
    case 'OR':
      return (item) => predicates.some((predicate) => predicate(item));
    case 'NOT':
      return (item) => !first(item);
  }
}

function compileComparison({ operator, operands }: BoundComparison): Predicate {
  const readers = operands.map(compileOperand);
  const [left, right, upper] = readers as [Reader, Reader, Reader];
  switch (operator) {
    case '=':
      return (item) => areEqual(left(item), right(item));
    case '<>':
      return (item) => !areEqual(left(item), right(item));
    case 'BETWEEN':
      return (item) => isBetween(left(item), right(item), upper(item));
    case 'IN':
      return (item) => isAmong(left(item), readers, item);
    default: {
      const accepts = orders[operator];
      return (item) => {
        const order = orderOf(left(item), right(item));
        return order !== undefined && accepts(order);
      };
    }
  }
}

const orders: Readonly<Record<Exclude<Comparator, '=' | '<>'>, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** What is not there equals nothing, not even what else is not there. */
function areEqual(a: AttributeValue | undefined, b: AttributeValue | undefined): boolean {
  return a !== undefined && b !== undefined && equalValues(a, b);
}

function orderOf(a: AttributeValue | undefined, b: AttributeValue | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : compareValues(a, b);
}

function isBetween(
  value: AttributeValue | undefined,
  lower: AttributeValue | undefined,
  upper: AttributeValue | undefined,
): boolean {
  const fromLower = orderOf(value, lower);
  if (fromLower === undefined || fromLower < 0) return false;
  const fromUpper = orderOf(value, upper);
  return fromUpper !== undefined && fromUpper <= 0;
}

/** @param readers of the value itself, and then of those that it may equal. */
function isAmong(value: AttributeValue | undefined, readers: readonly Reader[], item: Item): boolean {
  if (value === undefined) return false;
  for (let i = 1; i < readers.length; i++) {
    if (areEqual(value, (readers[i] as Reader)(item))) return true;
  }
  return false;
}

function compileFunction({ name, operands }: BoundFunction): Predicate {
  const [first, second] = operands.map(compileOperand) as [Reader, Reader];
  switch (name) {
    case 'attribute_exists':
      return (item) => first(item) !== undefined;
    case 'attribute_not_exists':
      return (item) => first(item) === undefined;
    case 'attribute_type':
      return (item) => hasType(first(item), second(item));
    case 'begins_with':
      return (item) => beginsWith(first(item), second(item));
    case 'contains':
      return (item) => contains(first(item), second(item));
    default:
      throw new TypeError(`no condition: ${name}`);
  }
}

function compileOperand(operand: BoundOperand): Reader {
  switch (operand.kind) {
    case 'value': {
      const { value } = operand;
      return () => value;
    }
    case 'path': {
      const { path } = operand;
      const [name] = path;
      return path.length === 1 ? (item) => getAttribute(item, name) : (item) => valueAt(item, path);
    }
    case 'function': {
      const measured = compileOperand(operand.operands[0] as BoundOperand);
      return (item) => sizeOf(measured(item));
    }
  }
}

function hasType(value: AttributeValue | undefined, type: AttributeValue | undefined): boolean {
  if (value === undefined || type === undefined) return false;
  return 'S' in type && attributeType(value) === type.S;
}

function beginsWith(value: AttributeValue | undefined, prefix: AttributeValue | undefined): boolean {
  if (value === undefined || prefix === undefined) return false;
  if ('S' in value) return 'S' in prefix && value.S.startsWith(prefix.S);
  return 'B' in value && 'B' in prefix && binaryBeginsWith(value.B, prefix.B);
}

/** Four characters of base64 are three bytes, so only where the prefix ends inside of three does it need decoding. */
function binaryBeginsWith(value: string, prefix: string): boolean {
  if (!prefix.endsWith('=')) return value.startsWith(prefix);
  const whole = prefix.length - 4;
  if (!value.startsWith(prefix.slice(0, whole))) return false;
  return decode(value.slice(whole, prefix.length)).startsWith(decode(prefix.slice(whole)));
}

function contains(container: AttributeValue | undefined, element: AttributeValue | undefined): boolean {
  if (container === undefined || element === undefined) return false;
  if ('L' in container) return container.L.some((member) => equalValues(member, element));
  if ('S' in element) {
    if ('S' in container) return includes(container.S, element.S);
    return 'SS' in container && container.SS.includes(element.S);
  }
  if ('N' in element) return 'NS' in container && container.NS.includes(element.N);
  if (!('B' in element)) return false;
  if ('B' in container) return includes(bytesOf(container), bytesOf(element));
  return 'BS' in container && container.BS.includes(element.B);
}

/** A value of the request is compared with many items, and one of an item may be named in a condition many times. */
const decodedValues = new WeakMap<object, string>();

function bytesOf(value: { readonly B: string }): string {
  let bytes = decodedValues.get(value);
  if (bytes === undefined) {
    bytes = decode(value.B);
    decodedValues.set(value, bytes);
  }
  return bytes;
}

/** The bytes as a string of one character each, which the engine searches natively. */
function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1');
}

/**
 * Code units of UTF-16 in a string (measured, whatever AWS's guide says), bytes of a binary value, elements of a set, list
 * or map; other types have no size.
 */
function sizeOf(value: AttributeValue | undefined): AttributeValue | undefined {
  const size = value === undefined ? undefined : countOf(value);
  return size === undefined ? undefined : { N: String(size) };
}

function countOf(value: AttributeValue): number | undefined {
  if ('S' in value) return value.S.length;
  if ('B' in value) return Buffer.byteLength(value.B, 'base64');
  if ('L' in value) return value.L.length;
  if ('M' in value) return Object.keys(value.M).length;
  if ('SS' in value) return value.SS.length;
  if ('NS' in value) return value.NS.length;
  return 'BS' in value ? value.BS.length : undefined;
}
