import { NESTING_LEVELS_MAX } from '../attribute-value.ts';
import { serializationError } from '../errors.ts';
import {
  attributeValue,
  type IntegerShape,
  type ListShape,
  type MapShape,
  type Shape,
  type StructureShape,
} from './shape.ts';

/** What a value lies in; AWS's texts depend on it. */
type Place = 'structure' | 'list' | 'map';

/**
 * Reads an input as AWS's servers do: every value has the JSON type of its shape, members that are null or unknown
 * count as absent. Never changes the value given; returns that very object where it had nothing to leave out.
 * The work is linear in the size of the value, its depth is bounded by the shape, and inside of attribute values by
 * the nesting that DynamoDB allows.
 * @throws SerializationException for the first value, in the order of the text, that has the wrong type.
 */
export function deserialize(shape: StructureShape, value: Readonly<Record<string, unknown>>): object {
  return readStructure(shape, value, 0);
}

/** @param level of lists and maps around the value, inside of attribute values. */
function read(shape: Shape, value: unknown, place: Place, level: number): unknown {
  switch (shape.type) {
    case 'string':
      return typeof value === 'string' ? value : refuseScalar('String', value);
    case 'boolean':
      return typeof value === 'boolean' ? value : readBoolean(value);
    case 'integer':
    case 'long':
      return typeof value === 'number'
        ? readInteger(shape, value)
        : refuseScalar(integerNames[shape.type], value);
    case 'timestamp':
      return typeof value === 'number' ? value : refuseScalar('Date', value);
    case 'blob':
      return readBlob(value);
    case 'list':
      return Array.isArray(value) ? readList(shape, value, level) : refuseList(value, place);
    case 'map':
      return isObject(value) ? readMap(shape, value, level) : refuseMap(shape, value, place);
    case 'structure':
      if (!isObject(value)) return refuseStructure(shape, value, place);
      return shape === attributeValue ? readAttributeValue(value, level) : readStructure(shape, value, level);
  }
}

type Json = Readonly<Record<string, unknown>>;

function readStructure(shape: StructureShape, value: Json, level: number): object {
  // Made only of members that the shape has, which are few, however many the value has.
  let changed: Record<string, unknown> | undefined;
  for (const name in value) {
    const member = shape.members.get(name);
    const before = value[name];
    if (member === undefined || before === null || before === undefined) {
      changed ??= membersBefore(value, name);
      continue;
    }
    const after = read(member.shape, before, 'structure', level);
    if (after !== before) changed ??= membersBefore(value, name);
    if (changed !== undefined) changed[name] = after;
  }
  return changed ?? value;
}

function membersBefore(value: Json, end: string): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const name in value) {
    if (name === end) break;
    members[name] = value[name];
  }
  return members;
}

/**
 * Attribute values recurse, so hostile input may nest them without end. What is nested too deep is left as it is, before
 * it fills the stack: `canonicalValue` refuses it, behind what AWS has to say first.
 */
function readAttributeValue(value: Json, level: number): object {
  if (level > NESTING_LEVELS_MAX) return value;
  return readStructure(attributeValue, value, level + 1);
}

function readMap(shape: MapShape, value: Json, level: number): object {
  let changed: Record<string, unknown> | undefined;
  for (const name in value) {
    const before = value[name];
    const after = before === null ? emptyOf(shape.value) : read(shape.value, before, 'map', level);
    if (after === before) continue;
    changed ??= { ...value };
    if (after === undefined) delete changed[name];
    else changed[name] = after;
  }
  return changed ?? value;
}

function readList(shape: ListShape, value: readonly unknown[], level: number): readonly unknown[] {
  let changed: unknown[] | undefined;
  for (let i = 0; i < value.length; i++) {
    const before = value[i];
    if (before === null && shape.keepsNull === true) continue;
    const after = before === null ? emptyOf(shape.element) : read(shape.element, before, 'list', level);
    if (after === undefined) throw serializationError('Unexpected token received from parser');
    if (after === before) continue;
    changed ??= value.slice();
    changed[i] = after;
  }
  return changed ?? value;
}

/** What null stands for inside a list or a map, where it cannot be absent: the constraints will have it. */
function emptyOf(shape: Shape): object | undefined {
  if (shape.type === 'structure' || shape.type === 'map') return {};
  return shape.type === 'list' ? [] : undefined;
}

/** Strings that look like a truth value are taken for one. */
function readBoolean(value: unknown): boolean {
  if (typeof value === 'number') throw serializationError(`${tokenOf(value)} cannot be converted to Boolean`);
  if (typeof value !== 'string') return refuseScalar('Boolean', value);
  const upper = value.toUpperCase();
  if (upper === 'TRUE' || upper === 'YES' || upper === '1') return true;
  if (upper === 'FALSE' || upper === 'NO' || upper === '0') return false;
  throw serializationError('Unexpected token received from parser');
}

const integerNames = { integer: 'Integer', long: 'Long' } as const;
const int32Max = 2 ** 31;

/** Fractions are cut off. */
function readInteger(shape: IntegerShape, value: number): number {
  const whole = Math.trunc(value);
  const fits = shape.type === 'long' ? Number.isSafeInteger(whole) : whole >= -int32Max && whole < int32Max;
  if (!fits) throw serializationError(`${tokenOf(value)} cannot be converted to ${integerNames[shape.type]}`);
  return whole;
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** The last characters that leave no bits over: four bits before `==`, two before `=`. */
const beforeTwoPads = 'AQgw';
const beforeOnePad = 'AEIMQUYcgkosw048';

function readBlob(value: unknown): string {
  if (typeof value !== 'string') return refuseBlob(value);
  if (value.length % 4 !== 0) {
    throw serializationError(
      `Base64 encoded length is expected a multiple of 4 bytes but found: ${value.length}`,
    );
  }
  // AWS's spelling.
  if (!isBase64(value)) throw serializationError('Invalid last non-pad Base64 character dectected');
  return value;
}

function isBase64(value: string): boolean {
  if (!base64.test(value)) return false;
  if (value.endsWith('==')) return beforeTwoPads.includes(value.charAt(value.length - 3));
  return !value.endsWith('=') || beforeOnePad.includes(value.charAt(value.length - 2));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseScalar(type: 'String' | 'Boolean' | 'Integer' | 'Long' | 'Date', value: unknown): never {
  if (Array.isArray(value)) {
    const javaPackage = type === 'Date' ? 'java.util' : 'java.lang';
    throw serializationError(`Unrecognized collection type class ${javaPackage}.${type}`);
  }
  if (typeof value === 'object') throw serializationError(structureStart);
  throw serializationError(`${tokenOf(value)} cannot be converted to ${type}`);
}

function refuseBlob(value: unknown): never {
  if (Array.isArray(value))
    throw serializationError('Unrecognized collection type class java.nio.ByteBuffer');
  if (typeof value === 'object') throw serializationError(structureStart);
  throw serializationError('only base-64-encoded strings are convertible to bytes');
}

function refuseList(value: unknown, place: Place): never {
  if (typeof value === 'object') throw serializationError(structureStart);
  throw serializationError(place === 'map' ? castFailure : 'Unexpected field type');
}

function refuseMap(shape: MapShape, value: unknown, place: Place): never {
  if (Array.isArray(value)) throw serializationError(`Unrecognized collection type ${javaType(shape)}`);
  throw serializationError(place === 'list' ? castFailure : 'Unexpected field type');
}

function refuseStructure(shape: StructureShape, value: unknown, place: Place): never {
  if (Array.isArray(value)) throw serializationError(`Unrecognized collection type class ${javaType(shape)}`);
  throw serializationError(
    place === 'structure' ? 'Unexpected field type' : 'Unexpected value type in payload',
  );
}

const structureStart = 'Start of structure or map found where not expected';
const parameterizedType = 'sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl';
/** AWS's answer to a scalar where a list lies in a map, or a map in a list. */
const castFailure =
  `class ${parameterizedType} cannot be cast to class java.lang.Class ` +
  `(${parameterizedType} and java.lang.Class are in module java.base of loader 'bootstrap')`;

/** The type as AWS's texts name it. */
function javaType(shape: Shape): string {
  switch (shape.type) {
    case 'map':
      return `java.util.Map<java.lang.String, ${javaType(shape.value)}>`;
    case 'list':
      return `java.util.List<${javaType(shape.element)}>`;
    case 'structure':
      return `com.amazonaws.dynamodb.v20120810.${shape.name}`;
    default:
      return 'java.lang.String';
  }
}

/** The parser's name for a scalar. */
function tokenOf(value: unknown): string {
  if (typeof value === 'string') return 'STRING_VALUE';
  if (typeof value === 'number') return Number.isInteger(value) ? 'NUMBER_VALUE' : 'DECIMAL_VALUE';
  return value === true ? 'TRUE_VALUE' : 'FALSE_VALUE';
}
