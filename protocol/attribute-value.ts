import { toUSVString } from 'node:util';
import { type DynamoDbError, validationError } from './errors.ts';
import { canonicalNumber, compareNumbers, numberSize } from './number.ts';
import { invalidValue } from './wording.ts';

/**
 * DynamoDB's typed values in the form that its JSON has: an object with exactly one member, whose name is the type.
 * Numbers are decimal strings, binary values base64 strings
 * (AWS: API_AttributeValue, HowItWorks.NamingRulesDataTypes).
 */
export type AttributeValue =
  | { S: string }
  | { N: string }
  | { B: string }
  | { BOOL: boolean }
  | { NULL: boolean }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: string[] }
  | { L: AttributeValue[] }
  | { M: Item };

export type AttributeType = 'S' | 'N' | 'B' | 'BOOL' | 'NULL' | 'SS' | 'NS' | 'BS' | 'L' | 'M';

/** An item: attribute names to values. */
export interface Item {
  [attributeName: string]: AttributeValue;
}

/** Lists and maps inside one another, an attribute's own list or map counted; AWS accepts 31 and refuses 32. */
export const NESTING_LEVELS_MAX = 31;

export const attributeTypes: ReadonlySet<string> = new Set<AttributeType>([
  'S',
  'N',
  'B',
  'BOOL',
  'NULL',
  'SS',
  'NS',
  'BS',
  'L',
  'M',
]);

export function attributeType(value: AttributeValue): AttributeType {
  for (const type in value) return type as AttributeType;
  throw new TypeError('a value without a type');
}

/** The item's own attribute: names such as `constructor`, which every JavaScript object knows, are not found. */
export function getAttribute(item: Item, name: string): AttributeValue | undefined {
  const value = item[name];
  return value !== undefined && Object.hasOwn(item, name) ? value : undefined;
}

/** Sets an attribute, also one named `__proto__`, which assigning would not create. */
export function setAttribute(item: Item, name: string, value: AttributeValue): void {
  if (name === '__proto__') {
    Object.defineProperty(item, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    item[name] = value;
  }
}

/** The item's size in bytes as DynamoDB counts it: all names and values (AWS: CapacityUnitCalculations). */
export function itemSize(item: Item): number {
  let size = 0;
  for (const name in item) size += Buffer.byteLength(name) + valueSize(item[name] as AttributeValue);
  return size;
}

/** A canonical value's size in bytes, without the attribute's name. Lists and maps cost 3, and 1 for each element. */
export function valueSize(value: AttributeValue): number {
  if ('S' in value) return Buffer.byteLength(value.S);
  if ('N' in value) return numberSize(value.N);
  if ('M' in value) return 3 + Object.keys(value.M).length + itemSize(value.M);
  if ('L' in value) return value.L.reduce((size, element) => size + 1 + valueSize(element), 3);
  if ('B' in value) return binarySize(value.B);
  if ('SS' in value) return sum(value.SS, Buffer.byteLength);
  if ('NS' in value) return sum(value.NS, numberSize);
  if ('BS' in value) return sum(value.BS, binarySize);
  return 1;
}

/** Whether DynamoDB's `=` holds for two canonical values: of one type, sets without order, lists and maps deeply. */
export function equalValues(a: AttributeValue, b: AttributeValue): boolean {
  if ('S' in a) return 'S' in b && a.S === b.S;
  if ('N' in a) return 'N' in b && a.N === b.N;
  if ('M' in a) return 'M' in b && equalItems(a.M, b.M);
  if ('L' in a) return 'L' in b && equalLists(a.L, b.L);
  if ('B' in a) return 'B' in b && a.B === b.B;
  if ('BOOL' in a) return 'BOOL' in b && a.BOOL === b.BOOL;
  if ('NULL' in a) return 'NULL' in b;
  if ('SS' in a) return 'SS' in b && equalSets(a.SS, b.SS);
  if ('NS' in a) return 'NS' in b && equalSets(a.NS, b.NS);
  return 'BS' in b && equalSets(a.BS, b.BS);
}

/** Whether two items, or two maps, have the same attributes with equal values. */
export function equalItems(a: Item, b: Item): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => {
    const other = getAttribute(b, name);
    return other !== undefined && equalValues(a[name] as AttributeValue, other);
  });
}

/**
 * The order of two canonical values of one type, as DynamoDB sorts and compares: numbers by value, strings by their
 * UTF-8 bytes, binary values by unsigned bytes. Undefined where the types differ or have no order.
 */
export function compareValues(a: AttributeValue, b: AttributeValue): number | undefined {
  if ('S' in a) return 'S' in b ? compareStrings(a.S, b.S) : undefined;
  if ('N' in a) return 'N' in b ? compareNumbers(a.N, b.N) : undefined;
  if ('B' in a) return 'B' in b ? compareBinaries(a.B, b.B) : undefined;
  return undefined;
}

function compareStrings(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for what lies above U+FFFF, and so sort after U+E000 ... U+FFFF, whose code units are higher. */
function utf8Rank(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit;
}

/**
 * Canonical base64 is compared as it stands, up to the first difference: each character holds six bits, the bits that fill
 * up the last one are zero, and padding sorts before everything.
 */
function compareBinaries(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return (base64Ranks[x] as number) - (base64Ranks[y] as number);
  }
  return a.length - b.length;
}

/** By a character's code; padding has 0. */
const base64Ranks: Uint8Array = ranksOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

/** @param alphabet in ascending order; the first character has 1. */
function ranksOf(alphabet: string): Uint8Array {
  const ranks = new Uint8Array(128);
  for (let i = 0; i < alphabet.length; i++) ranks[alphabet.charCodeAt(i)] = i + 1;
  return ranks;
}

function equalLists(a: AttributeValue[], b: AttributeValue[]): boolean {
  return a.length === b.length && a.every((element, i) => equalValues(element, b[i] as AttributeValue));
}

function equalSets(a: string[], b: string[]): boolean {
  if (a.length !== b.length) return false;
  const members = new Set(a);
  return b.every((member) => members.has(member));
}

function binarySize(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}

function sum(members: string[], size: (member: string) => number): number {
  let total = 0;
  for (const member of members) total += size(member);
  return total;
}

/**
 * Checks a value as it came with a request and brings it to its canonical form: numbers as `canonicalNumber` has
 * them, base64 as it is written when decoded bytes are encoded, lone surrogates as U+FFFD, members that are null or
 * no type left out. Never changes the value given; returns that very object where it was canonical.
 * @param value has the right JSON type for each of its types: strings, booleans, arrays, objects.
 * @param nestingLevel of lists and maps around the value.
 * @throws ValidationException with the text that AWS has for it.
 */
export function canonicalValue(value: AttributeValue, nestingLevel = 0): AttributeValue {
  const types = Object.keys(value);
  const type = types[0];
  if (types.length === 1 && type !== undefined && isPresent(value, type)) {
    return canonicalContent(value, nestingLevel);
  }
  const present = types.filter((name) => isPresent(value, name));
  if (present.length === 0) throw validationError(emptyValue);
  const single = present.map((name) => canonicalContent(onlyMember(value, name), nestingLevel));
  if (single.length > 1) throw validationError(severalTypes);
  return single[0] as AttributeValue;
}

/** `canonicalValue` for all attributes of an item or key. */
export function canonicalItem(item: Item, nestingLevel = 0): Item {
  let changed: Item | undefined;
  for (const name in item) {
    const value = item[name] as AttributeValue;
    const canonical = canonicalValue(value, nestingLevel);
    if (canonical === value) continue;
    // The copy has all names already, so that assigning creates none.
    changed ??= { ...item };
    changed[name] = canonical;
  }
  return changed ?? item;
}

const emptyValue = 'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes';
const severalTypes =
  'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes';
const invalidParameter = 'One or more parameter values were invalid:';

function isPresent(value: AttributeValue, type: string): boolean {
  const content = (value as Record<string, unknown>)[type];
  return attributeTypes.has(type) && content !== null && content !== undefined;
}

function onlyMember(value: AttributeValue, type: string): AttributeValue {
  return { [type]: (value as Record<string, unknown>)[type] } as AttributeValue;
}

function canonicalContent(value: AttributeValue, nestingLevel: number): AttributeValue {
  if ('S' in value) return changed(value.S, toUSVString(value.S), value, (S) => ({ S }));
  if ('N' in value) return changed(value.N, canonicalNumber(value.N), value, (N) => ({ N }));
  if ('M' in value) {
    return changed(value.M, canonicalItem(value.M, deeper(nestingLevel)), value, (M) => ({ M }));
  }
  if ('L' in value) {
    const level = deeper(nestingLevel);
    const list = mapChanged(value.L, (element) => canonicalValue(element, level));
    return changed(value.L, list, value, (L) => ({ L }));
  }
  if ('B' in value) return changed(value.B, canonicalBinary(value.B), value, (B) => ({ B }));
  if ('SS' in value) return changed(value.SS, canonicalStrings(value.SS), value, (SS) => ({ SS }));
  if ('NS' in value) return changed(value.NS, canonicalNumbers(value.NS), value, (NS) => ({ NS }));
  if ('BS' in value) return changed(value.BS, canonicalBinaries(value.BS), value, (BS) => ({ BS }));
  if ('NULL' in value && !value.NULL) {
    throw validationError(`${invalidParameter} Null attribute value types must have the value of true`);
  }
  return value;
}

function changed<T>(
  before: T,
  after: T,
  value: AttributeValue,
  make: (content: T) => AttributeValue,
): AttributeValue {
  return after === before ? value : make(after);
}

/** Like `map`, but the very array where no element changed. */
function mapChanged<T>(elements: T[], map: (element: T) => T): T[] {
  let copy: T[] | undefined;
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i] as T;
    const mapped = map(element);
    if (mapped === element) continue;
    copy ??= elements.slice();
    copy[i] = mapped;
  }
  return copy ?? elements;
}

/** @throws ValidationException if there are more lists and maps inside one another than DynamoDB takes. */
export function checkNestingLevels(levels: number): void {
  if (levels <= NESTING_LEVELS_MAX) return;
  throw validationError(
    'Nesting Levels have exceeded supported limits: ' +
      'Attributes in the item have nested levels beyond supported limit',
  );
}

function deeper(nestingLevel: number): number {
  checkNestingLevels(nestingLevel + 1);
  return nestingLevel + 1;
}

/** How many lists and maps are inside one another in the value, itself included. */
export function nestingLevels(value: AttributeValue): number {
  if ('M' in value) return 1 + deepest(Object.values(value.M));
  return 'L' in value ? 1 + deepest(value.L) : 0;
}

function deepest(values: AttributeValue[]): number {
  return values.reduce((most, value) => Math.max(most, nestingLevels(value)), 0);
}

function canonicalBinary(base64: string): string {
  const canonical = Buffer.from(base64, 'base64').toString('base64');
  return canonical === base64 ? base64 : canonical;
}

function canonicalStrings(members: string[]): string[] {
  if (members.length === 0) throw validationError(`${invalidParameter} An string set  may not be empty`);
  refuseNull(members, 'An string set may not have a null string as a member');
  const canonical = mapChanged(members, toUSVString);
  const at = firstDuplicate(canonical);
  if (at === undefined) return sortStrings(canonical);
  const read = quoted(asRead(canonical, at, sortStrings));
  throw duplicates(`[${read.join(', ')}] `, `[${canonical.join(', ')}] `);
}

function canonicalNumbers(members: string[]): string[] {
  if (members.length === 0) throw validationError(`${invalidParameter} An number set  may not be empty`);
  refuseNull(members, 'An number set may not have a null string as a member');
  const canonical = mapChanged(members, canonicalNumber);
  if (firstDuplicate(canonical) === undefined) return sortNumbers(canonical);
  const text = 'Input collection contains duplicates';
  throw invalidValue(`${invalidParameter} ${text}.`, text);
}

function canonicalBinaries(members: string[]): string[] {
  if (members.length === 0) throw validationError(`${invalidParameter} Binary sets should not be empty`);
  refuseNull(members, 'Binary sets may not contain null or empty values');
  const canonical = mapChanged(members, canonicalBinary);
  const at = firstDuplicate(canonical);
  if (at === undefined) return sortBinaries(canonical);
  const read = quoted(asRead(canonical, at, sortBinaries));
  throw duplicates(`[${read.join(',')}]of type BS `, `[${canonical.join(', ')}]of type BS `);
}

/** JSON can have null where a member has to be. */
function refuseNull(members: readonly (string | null)[], text: string): void {
  if (members.includes(null)) throw validationError(`${invalidParameter} ${text}`);
}

/** @returns where the first member stands that has been there before. */
function firstDuplicate(members: readonly string[]): number | undefined {
  const seen = new Set(members);
  if (seen.size === members.length) return undefined;
  seen.clear();
  return members.findIndex((member) => seen.size === seen.add(member).size);
}

/** The members as AWS's newer layer has them at hand when it comes to the duplicate: in order up to that. */
function asRead(members: string[], at: number, sort: Sort): string[] {
  return [...sort(members.slice(0, at)), ...members.slice(at)];
}

function quoted(members: readonly string[]): string[] {
  return members.map((member) => `"${member}"`);
}

function duplicates(collection: string, olderCollection: string): DynamoDbError {
  const text = (of: string) => `${invalidParameter} Input collection ${of}contains duplicates.`;
  return invalidValue(text(collection), text(olderCollection));
}

/** The members of two canonical sets of one type. */
export function unionOf(type: 'SS' | 'NS' | 'BS', members: string[], others: string[]): string[] {
  return sorts[type]([...new Set([...members, ...others])]);
}

/**
 * Sets have no order of their own. DynamoDB returns them in that of `compareValues` (measured), so they are stored in it.
 * @returns the very array where it was in order.
 */
type Sort = (members: string[]) => string[];

function sortStrings(members: string[]): string[] {
  return inOrder(members, members, compareStrings);
}

function sortNumbers(members: string[]): string[] {
  return inOrder(members, members, compareNumbers);
}

/** Base64 does not sort as its bytes do. */
function sortBinaries(members: string[]): string[] {
  const contents = members.map((member) => Buffer.from(member, 'base64').toString('latin1'));
  return inOrder(members, contents, (a, b) => (a < b ? -1 : 1));
}

const sorts: Readonly<Record<'SS' | 'NS' | 'BS', Sort>> = {
  SS: sortStrings,
  NS: sortNumbers,
  BS: sortBinaries,
};

/** Larger sets are in no item, and so never returned: their order is not worth the time. */
const sortedMembersMax = 409_600;

/** @param keys what the order is of, member by member. */
function inOrder(members: string[], keys: string[], compare: (a: string, b: string) => number): string[] {
  if (members.length > sortedMembersMax || isInOrder(keys, compare)) return members;
  const positions = members.map((_, i) => i);
  positions.sort((i, j) => compare(keys[i] as string, keys[j] as string));
  return positions.map((i) => members[i] as string);
}

function isInOrder(keys: string[], compare: (a: string, b: string) => number): boolean {
  for (let i = 1; i < keys.length; i++) {
    if (compare(keys[i - 1] as string, keys[i] as string) > 0) return false;
  }
  return true;
}
