import { type AttributeValue, canonicalValue, valueSize } from '../attribute-value.ts';
import { DynamoDbError, validationError } from '../errors.ts';
import { checkAttributeName } from '../legacy/attribute-name.ts';
import { invalidValue, olderText } from '../wording.ts';
import type { ExpressionParameter } from './ast.ts';

const REFERENCE_BYTES_MAX = 255;
const VALUES_BYTES_MAX = 2 * 1024 * 1024;

/**
 * `ExpressionAttributeNames` and `ExpressionAttributeValues` of one request, which all its expressions share, and
 * which of them they have used (AWS: Expressions.ExpressionAttributeNames, Expressions.ExpressionAttributeValues).
 */
export class Substitutions {
  readonly #names: Readonly<Record<string, string>>;
  readonly #values: ReadonlyMap<string, AttributeValue>;
  readonly #unusedNames: Set<string>;
  readonly #unusedValues: Set<string>;
  #namesAllowed: boolean;
  #valuesAllowed: boolean;

  /** @throws ValidationException if a map is empty, or one of its keys or values is not valid. */
  constructor(
    names: Readonly<Record<string, string>> | undefined,
    values: Readonly<Record<string, AttributeValue>> | undefined,
  ) {
    if (names !== undefined) checkNames(names);
    this.#names = names ?? noNames;
    this.#values = values === undefined ? noValues : canonicalValues(values);
    this.#unusedNames = names === undefined ? nothing : new Set(Object.keys(names));
    this.#unusedValues = values === undefined ? nothing : new Set(this.#values.keys());
    this.#namesAllowed = names === undefined;
    this.#valuesAllowed = values === undefined;
  }

  /** An expression of this kind is there to use the substitutions; a projection has no use for values. */
  permit(parameter: ExpressionParameter): void {
    this.#namesAllowed = true;
    if (parameter !== 'ProjectionExpression') this.#valuesAllowed = true;
  }

  /** The attribute name that `reference`, with its `#`, stands for. */
  name(reference: string): string | undefined {
    if (!Object.hasOwn(this.#names, reference)) return undefined;
    this.#unusedNames.delete(reference);
    return this.#names[reference];
  }

  /** The canonical value that `reference`, with its `:`, stands for. */
  value(reference: string): AttributeValue | undefined {
    this.#unusedValues.delete(reference);
    return this.#values.get(reference);
  }

  /** Called behind the last expression. @throws ValidationException if something was given and no expression used it. */
  finish(): void {
    const names = 'ExpressionAttributeNames';
    const values = 'ExpressionAttributeValues';
    if (!this.#namesAllowed) throw validationError(`${names} ${onlyWithExpressions}`);
    if (!this.#valuesAllowed) throw validationError(`${values} ${onlyWithExpressions}`);
    checkAllUsed(names, this.#unusedNames);
    checkAllUsed(values, this.#unusedValues);
  }
}

/** Shared by all requests that give none, which are the most. */
const noNames: Readonly<Record<string, string>> = {};
const noValues: ReadonlyMap<string, AttributeValue> = new Map();
const nothing = new Set<string>();

const onlyWithExpressions = 'can only be specified when using expressions';

function checkAllUsed(parameter: string, unused: ReadonlySet<string>): void {
  if (unused.size === 0) return;
  const keys = [...unused].join(', ');
  throw validationError(`Value provided in ${parameter} unused in expressions: keys: {${keys}}`);
}

const nameReference = /^#[A-Za-z0-9_]+$/;
const valueReference = /^:[A-Za-z0-9_]+$/;

function checkNames(names: Readonly<Record<string, string>>): void {
  checkReferences('ExpressionAttributeNames', Object.keys(names), nameReference);
  for (const [reference, name] of Object.entries(names)) {
    try {
      checkAttributeName(name);
    } catch (error) {
      const text = (error as Error).message;
      throw validationError(`ExpressionAttributeNames contains invalid value: ${text} for key ${reference}`);
    }
  }
}

function canonicalValues(
  values: Readonly<Record<string, AttributeValue>>,
): ReadonlyMap<string, AttributeValue> {
  checkReferences('ExpressionAttributeValues', Object.keys(values), valueReference);
  const canonical = new Map<string, AttributeValue>();
  let size = 0;
  for (const [reference, value] of Object.entries(values)) {
    const substitution = canonicalSubstitution(reference, value);
    size += reference.length + valueSize(substitution);
    canonical.set(reference, substitution);
  }
  if (size > VALUES_BYTES_MAX) throw validationError('ExpressionAttributeValues exceeds max size');
  return canonical;
}

function canonicalSubstitution(reference: string, value: AttributeValue): AttributeValue {
  try {
    return canonicalValue(value);
  } catch (error) {
    if (!(error instanceof DynamoDbError)) throw error;
    const older = `ExpressionAttributeValues contains invalid value: ${olderText(error)} for key ${reference}`;
    throw invalidValue(error.message, older);
  }
}

function checkReferences(parameter: string, references: readonly string[], syntax: RegExp): void {
  if (references.length === 0) throw validationError(`${parameter} must not be empty`);
  for (const reference of references) {
    if (reference.length > REFERENCE_BYTES_MAX) {
      const text = `${parameter} contains invalid key: The expression attribute map contains a key that is too long;`;
      throw validationError(
        parameter === 'ExpressionAttributeNames' ? `${text} size of key: ${reference.length}` : text,
      );
    }
    if (!syntax.test(reference)) {
      throw validationError(`${parameter} contains invalid key: Syntax error; key: "${reference}"`);
    }
  }
}
