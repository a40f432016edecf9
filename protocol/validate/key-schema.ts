import { validationError } from '../errors.ts';
import type { AttributeDefinition, KeySchemaElement } from '../operation.ts';
import { printed } from './printed.ts';
import { keySchema as keySchemaShape } from './table-shapes.ts';

/** What can be said against the keys of tables and indexes (AWS: API_CreateTable, KeySchema). */

const invalid = 'One or more parameter values were invalid:';

export function checkAttributeDefinitions(definitions: readonly AttributeDefinition[]): void {
  const names = new Set<string>();
  for (const { AttributeName: name } of definitions) {
    if (names.has(name)) throw validationError(`Attribute Name is duplicated: ${name}`);
    names.add(name);
  }
}

/** Checks the key of a table or of a local secondary index: one HASH attribute, and perhaps one RANGE attribute. */
export function checkKeySchema(
  keySchema: readonly KeySchemaElement[],
  definitions: readonly AttributeDefinition[],
  path: string,
): void {
  if (keySchema.length > 2) throw tooLong(keySchema, path);
  if (keySchema.length > definitions.length) {
    throw validationError('Invalid KeySchema: Some index key attribute have no definition');
  }
  checkDefined(keySchema, definitions);
  const [first, second] = keySchema;
  if (first?.AttributeName === second?.AttributeName) throw sameName();
  requireHashFirst(keySchema);
  if (second !== undefined && second.KeyType !== 'RANGE') throw notRange();
}

/** Attributes that each half of a global secondary index's key may have. */
const keyAttributesMax = 4;

/** Checks the key of a global secondary index, whose HASH and RANGE may be several attributes each. */
export function checkGlobalKeySchema(
  keySchema: readonly KeySchemaElement[],
  definitions: readonly AttributeDefinition[],
): void {
  checkDefined(keySchema, definitions);
  const names = new Set(keySchema.map(({ AttributeName: name }) => name));
  if (names.size < keySchema.length) {
    throw keySchema.length === 2 && keySchema[1]?.KeyType === 'RANGE'
      ? sameName()
      : validationError('The KeySchema contains multiple key attributes with the same name');
  }
  requireHashFirst(keySchema);
  for (const type of ['HASH', 'RANGE'] as const) {
    if (keySchema.filter((element) => element.KeyType === type).length <= keyAttributesMax) continue;
    throw validationError(
      `${invalid} The KeySchema exceeds the maximum allowed number of ${type} key attributes`,
    );
  }
  const firstRange = keySchema.findIndex((element) => element.KeyType === 'RANGE');
  if (firstRange !== -1 && keySchema.slice(firstRange).some((element) => element.KeyType === 'HASH')) {
    throw validationError(
      `${invalid} All HASH key attributes must precede RANGE key attributes in the KeySchema`,
    );
  }
}

/** Every attribute that is defined for a table without indexes is part of its key. */
export function checkKeyIsDefinitions(
  definitions: readonly AttributeDefinition[],
  key: readonly KeySchemaElement[],
): void {
  if (areAllUsed(definitions, namesIn([key]))) return;
  throw validationError(
    `${invalid} Number of attributes in KeySchema does not exactly match ` +
      'number of attributes defined in AttributeDefinitions',
  );
}

/** Every attribute that is defined is part of a key. @param keys the table's and those of its indexes. */
export function checkAllUsed(
  definitions: readonly AttributeDefinition[],
  keys: readonly (readonly KeySchemaElement[])[],
): void {
  const used = namesIn(keys);
  if (areAllUsed(definitions, used)) return;
  throw validationError(
    `${invalid} Some AttributeDefinitions are not used. ` +
      `AttributeDefinitions: ${namesOf(definitions)}, keys used: [${[...used].join(', ')}]`,
  );
}

function namesIn(keys: readonly (readonly KeySchemaElement[])[]): ReadonlySet<string> {
  return new Set(keys.flat().map(({ AttributeName: name }) => name));
}

function areAllUsed(definitions: readonly AttributeDefinition[], used: ReadonlySet<string>): boolean {
  return definitions.every(({ AttributeName: name }) => used.has(name));
}

function checkDefined(
  keySchema: readonly KeySchemaElement[],
  definitions: readonly AttributeDefinition[],
): void {
  const defined = new Set(definitions.map(({ AttributeName: name }) => name));
  if (keySchema.every(({ AttributeName: name }) => defined.has(name))) return;
  throw validationError(
    `${invalid} Some index key attributes are not defined in AttributeDefinitions. ` +
      `Keys: ${namesOf(keySchema)}, AttributeDefinitions: ${namesOf(definitions)}`,
  );
}

function requireHashFirst([first]: readonly KeySchemaElement[]): void {
  if (first?.KeyType === 'HASH') return;
  throw validationError('Invalid KeySchema: The first KeySchemaElement is not a HASH key type');
}

/** An error that AWS prints as if it were one of the shape's. */
function tooLong(keySchema: readonly KeySchemaElement[], path: string): Error {
  return validationError(
    `1 validation error detected: Value '${printed(keySchemaShape, keySchema)}' at '${path}' ` +
      'failed to satisfy constraint: Member must have length less than or equal to 2',
  );
}

function sameName(): Error {
  return validationError('Both the Hash Key and the Range Key element in the KeySchema have the same name');
}

function notRange(): Error {
  return validationError('Invalid KeySchema: The second KeySchemaElement is not a RANGE key type');
}

function namesOf(named: readonly { readonly AttributeName: string }[]): string {
  return `[${named.map(({ AttributeName: name }) => name).join(', ')}]`;
}
