import { Big } from 'big.js';
import { type DynamoDbError, validationError } from './errors.ts';
import { invalidValue } from './wording.ts';

const DIGITS_MAX = 38;
/** 9.99...E+125, written as 0.999... times ten to this. */
const EXPONENT_MAX = 126;
/** 1E-130, written as 0.1 times ten to this. */
const EXPONENT_MIN = -129;

/** What most numbers look like: canonical already, and short enough to hold 38 digits at most. */
const canonicalText = /^(?:0|-?(?:[1-9]\d*|(?:0|[1-9]\d*)\.\d*[1-9]))$/;
const canonicalLengthMax = DIGITS_MAX;

/**
 * The form in which DynamoDB keeps and returns a number: plain decimal notation without a leading `+`, without
 * superfluous zeros, zero without a sign. Two numbers are equal exactly if their canonical texts are.
 * @throws ValidationException if `text` is no number, has more than 38 significant digits, or lies outside
 * 1E-130 ... 9.99E+125 on either side of zero (AWS: HowItWorks.NamingRulesDataTypes).
 */
export function canonicalNumber(text: string): string {
  if (text.length <= canonicalLengthMax && canonicalText.test(text)) return text;
  const decimal = parseDecimal(text);
  if (decimal === undefined) throw notNumeric(text);
  if (decimal.digits === '') checkZero(text);
  else checkMagnitude(decimal);
  if (decimal.digits.length > DIGITS_MAX) {
    throw validationError('Attempting to store more than 38 significant digits in a Number');
  }
  return printDecimal(decimal);
}

/** Orders two numbers by value: negative, zero or positive as `a` is less, equal or greater. Both must be valid. */
export function compareNumbers(a: string, b: string): number {
  if (a === b) return 0;
  const x = Number(a);
  const y = Number(b);
  // Rounding to a double keeps the order: where the doubles differ, the numbers differ the same way.
  return x === y ? compareDecimals(decimalOf(a), decimalOf(b)) : x - y;
}

/**
 * The exact sum of two canonical numbers, canonical itself.
 * @throws ValidationException if it needs more than 38 digits or leaves the range.
 */
export function addNumbers(a: string, b: string): string {
  if (isSmallInteger(a) && isSmallInteger(b)) return String(Number(a) + Number(b));
  return checkResult(new Big(a).plus(b).toFixed());
}

/** Like `addNumbers`, for the difference `a - b`. */
export function subtractNumbers(a: string, b: string): string {
  if (isSmallInteger(a) && isSmallInteger(b)) return String(Number(a) - Number(b));
  return checkResult(new Big(a).minus(b).toFixed());
}

/**
 * The bytes that DynamoDB counts for a canonical number: one, and one for every two digits, paired from the decimal
 * point so that `1.5` has two pairs and `15` one; another one for a sign; zero counts one.
 */
export function numberSize(text: string): number {
  const decimal = decimalOf(text);
  if (decimal.digits === '') return 1;
  return 1 + pairCount(decimal) + (decimal.negative ? 1 : 0);
}

/**
 * A binary string (characters 0-255) of at most 22 bytes that sorts as the number does, equal for equal numbers:
 * the exponent to base 100 with the sign, then two digits a byte. A negative number has everything inverted, and
 * a last byte above all digits, so that of two with the same beginning the longer sorts first.
 */
export function encodeNumberKey(text: string): string {
  const decimal = decimalOf(text);
  if (decimal.digits === '') return zeroKey;
  const { negative } = decimal;
  const digits = pairedDigits(decimal);
  const exponent = Math.ceil(decimal.exponent / 2) + 64;
  let key = String.fromCharCode(negative ? 0x7f - exponent : 0x80 + exponent);
  for (let i = 0; i < digits.length; i += 2) {
    const pair = digitAt(digits, i) * 10 + digitAt(digits, i + 1);
    key += String.fromCharCode(negative ? 100 - pair : pair + 1);
  }
  return negative ? key + negativeEnd : key;
}

/** The canonical text of the number that `encodeNumberKey` made these bytes of. */
export function decodeNumberKey(key: string): string {
  if (key === zeroKey) return '0';
  const first = key.charCodeAt(0);
  const negative = first < 0x80;
  const end = negative ? key.length - 1 : key.length;
  let digits = '';
  for (let i = 1; i < end; i++) {
    const byte = key.charCodeAt(i);
    digits += String(negative ? 100 - byte : byte - 1).padStart(2, '0');
  }
  const exponent = (negative ? 0x7f - first : first - 0x80) - 64;
  return printDecimal(decimalFrom(negative, digits, exponent * 2));
}

/** Positive numbers may begin with the same byte, but have more bytes: zero sorts below them. */
const zeroKey = '\x80';
const negativeEnd = '\x66';

/**
 * A number as 0.DIGITS times ten to `exponent`. The digits neither begin nor end with a zero; zero has none, and
 * is never negative.
 */
interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

function decimalFrom(negative: boolean, digits: string, exponent: number): Decimal {
  let start = 0;
  let end = digits.length;
  while (start < end && digits.charCodeAt(start) === 0x30) start++;
  while (end > start && digits.charCodeAt(end - 1) === 0x30) end--;
  if (start === end) return { negative: false, digits: '', exponent: 0 };
  return { negative, digits: digits.slice(start, end), exponent: exponent - start };
}

function decimalOf(text: string): Decimal {
  const decimal = parseDecimal(text);
  if (decimal === undefined) throw new TypeError(`not a number: ${text}`);
  return decimal;
}

/**
 * Reads `[+-] digits [. digits] [E [+-] digits]`, in one pass over the text: neither a million digits nor an
 * exponent of a million digits costs more than reading them.
 */
function parseDecimal(text: string): Decimal | undefined {
  const start = skipSign(text, 0);
  const integerEnd = skipDigits(text, start);
  const hasPoint = text[integerEnd] === '.';
  const fractionEnd = hasPoint ? skipDigits(text, integerEnd + 1) : integerEnd;
  if (fractionEnd - start === (hasPoint ? 1 : 0)) return undefined;
  const power = fractionEnd === text.length ? 0 : parseExponent(text, fractionEnd);
  if (power === undefined) return undefined;
  const digits = text.slice(start, integerEnd) + (hasPoint ? text.slice(integerEnd + 1, fractionEnd) : '');
  return decimalFrom(text[0] === '-', digits, integerEnd - start + power);
}

/** The power of ten; AWS takes none that is beyond 64 bits. */
function parseExponent(text: string, at: number): number | undefined {
  if (text[at] !== 'e' && text[at] !== 'E') return undefined;
  const start = skipSign(text, at + 1);
  const end = skipDigits(text, start);
  if (end === start || end !== text.length) return undefined;
  const digits = text.slice(start, end).replace(/^0+/, '');
  const isLong = digits.length < longMax.length || (digits.length === longMax.length && digits <= longMax);
  return isLong ? Number(text.slice(at + 1)) : undefined;
}

const longMax = String(2n ** 63n - 1n);

function skipSign(text: string, at: number): number {
  return text[at] === '-' || text[at] === '+' ? at + 1 : at;
}

function skipDigits(text: string, at: number): number {
  let end = at;
  while (end < text.length && isDigit(text.charCodeAt(end))) end++;
  return end;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function printDecimal({ negative, digits, exponent }: Decimal): string {
  if (digits === '') return '0';
  const sign = negative ? '-' : '';
  if (exponent <= 0) return `${sign}0.${'0'.repeat(-exponent)}${digits}`;
  if (exponent >= digits.length) return sign + digits + '0'.repeat(exponent - digits.length);
  return `${sign}${digits.slice(0, exponent)}.${digits.slice(exponent)}`;
}

function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.negative !== b.negative) return a.negative ? -1 : 1;
  const sign = a.negative ? -1 : 1;
  if (a.exponent !== b.exponent) return a.exponent < b.exponent ? -sign : sign;
  if (a.digits === b.digits) return 0;
  return a.digits < b.digits ? -sign : sign;
}

/** Digits that pair up around the decimal point: an odd exponent is made even by a zero in front. */
function pairedDigits({ digits, exponent }: Decimal): string {
  return exponent % 2 === 0 ? digits : `0${digits}`;
}

function pairCount({ digits, exponent }: Decimal): number {
  return Math.ceil((digits.length + (exponent % 2 === 0 ? 0 : 1)) / 2);
}

/** The digit's value; behind the last one stands a zero. */
function digitAt(digits: string, at: number): number {
  return at < digits.length ? digits.charCodeAt(at) - 0x30 : 0;
}

/** Fifteen characters hold no more digits than a double tells apart, sum and difference included. */
function isSmallInteger(text: string): boolean {
  return text.length <= 15 && Number.isInteger(Number(text));
}

function checkResult(text: string): string {
  const decimal = decimalOf(text);
  checkMagnitude(decimal);
  // AWS names a result that would need more digits an overflow too.
  if (decimal.digits.length > DIGITS_MAX) throw validationError(overflow);
  return printDecimal(decimal);
}

/** A zero, too, may only be written with a power of ten that other numbers may have. */
function checkZero(text: string): void {
  const at = text.search(/e/i);
  if (at >= 0) checkMagnitude({ negative: false, digits: '1', exponent: Number(text.slice(at + 1)) + 1 });
}

function checkMagnitude({ digits, exponent }: Decimal): void {
  if (digits === '') return;
  if (exponent > EXPONENT_MAX)
    throw exponent > intMax ? invalidValue(overflow, underflow) : validationError(overflow);
  if (exponent < EXPONENT_MIN) throw validationError(underflow);
}

/** Past this the older layer's arithmetic wraps around. */
const intMax = 2 ** 31 - 1;

const overflow = 'Number overflow. Attempting to store a number with magnitude larger than supported range';
const underflow =
  'Number underflow. Attempting to store a number with magnitude smaller than supported range';

function notNumeric(text: string): DynamoDbError {
  const what = 'The parameter cannot be converted to a numeric value';
  return text === '' ? invalidValue(`${what}: `, what) : validationError(`${what}: ${text}`);
}
