import type { Constraint } from './shape.ts';

/** The length of a string in UTF-16 code units, of a list in elements, of a map in entries. */
type Sized = string | readonly unknown[] | Readonly<Record<string, unknown>>;

export function minLength(length: number): Constraint {
  return {
    text: `Member must have length greater than or equal to ${length}`,
    holds: (value: Sized) => lengthOf(value) >= length,
  };
}

export function maxLength(length: number): Constraint {
  return {
    text: `Member must have length less than or equal to ${length}`,
    holds: (value: Sized) => lengthOf(value) <= length,
  };
}

export function atLeast(bound: number): Constraint {
  return {
    text: `Member must have value greater than or equal to ${bound}`,
    holds: (value: number) => value >= bound,
  };
}

export function atMost(bound: number): Constraint {
  return {
    text: `Member must have value less than or equal to ${bound}`,
    holds: (value: number) => value <= bound,
  };
}

/** @param values in the order in which AWS prints them, which is neither its documentation's nor alphabetical. */
export function oneOf(...values: string[]): Constraint {
  return {
    text: `Member must satisfy enum value set: [${values.join(', ')}]`,
    holds: (value: string) => values.includes(value),
  };
}

/** The constraint as some operations report it; see `Constraint.terse`. */
export function tersely(constraint: Constraint): Constraint {
  return { ...constraint, terse: true };
}

/** The constraint, with the value as the request has it. */
export function inJson(constraint: Constraint): Constraint {
  return { ...constraint, json: true };
}

/** The constraint as the newer layer reports it, in words of its own. */
export function inWords(text: string, constraint: Constraint): Constraint {
  return { ...constraint, text, bare: true };
}

const name = /^[a-zA-Z0-9_.-]+$/;

/** The characters of table and index names (AWS: HowItWorks.NamingRulesDataTypes). */
export const namePattern: Constraint = {
  text: 'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+',
  holds: (value: string) => name.test(value),
};

export const nameConstraints: readonly Constraint[] = [minLength(3), maxLength(255), namePattern];

/** A table's ARN; those of indexes and streams are not tables. */
const tableArn = /^arn:[a-z0-9-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table\/[a-zA-Z0-9_.-]{3,255}$/;

/** What takes a table's name takes its ARN too. */
const arnFormat: Constraint = {
  text:
    "Valid ARN format is 'arn:<awsPartition>:<vendor>:<region>:<subscriber>:resourceType/resourceName', " +
    'where Resource name must have length less than or equal to 255, ' +
    'Resource name must have length greater than or equal to 3, ' +
    'Resource name must satisfy regular expression pattern: [a-zA-Z0-9_.-]+',
  holds: (value: string) => !isArn(value) || tableArn.test(value),
};

/** TableName of CreateTable, DescribeTable, UpdateTable and DeleteTable. */
export const tableNameConstraints: readonly Constraint[] = [...nameConstraints.map(unlessArn), arnFormat];

/** TableName of operations on items, where the newer layer has checked that it is not empty. */
export const givenTableNameConstraints: readonly Constraint[] = tableNameConstraints.map(unlessEmpty);

/** TableName of operations on items, where an empty name has an error of its own. */
export const itemTableNameConstraints: readonly Constraint[] = [
  minLength(1),
  ...tableNameConstraints.map(unlessEmpty),
];

/** Table names as the keys of RequestItems. */
export const tableNameKeys: Constraint = {
  text: `Map keys must satisfy constraint: [${[maxLength(255), minLength(3), namePattern].map(textOf).join(', ')}]`,
  holds: (value: Readonly<Record<string, unknown>>) => Object.keys(value).every(isTableName),
};

/** Every value of the map, a list, has a length in these bounds. */
export function valueLengths(min: number, max: number): Constraint {
  const bounds = [maxLength(max), minLength(min)];
  return {
    text: `Map value must satisfy constraint: [${bounds.map(textOf).join(', ')}]`,
    holds: (value: Readonly<Record<string, Sized>>) =>
      Object.values(value).every((element) => lengthOf(element) >= min && lengthOf(element) <= max),
  };
}

function unlessArn(constraint: Constraint): Constraint {
  return { ...constraint, holds: (value: string) => isArn(value) || holds(constraint, value) };
}

function unlessEmpty(constraint: Constraint): Constraint {
  return { ...constraint, holds: (value: string) => value === '' || holds(constraint, value) };
}

/** Whether the text claims to be an ARN; a table's name has no colon. */
function isArn(value: string): boolean {
  return value.startsWith('arn:');
}

function isTableName(value: string): boolean {
  return tableNameConstraints.every((constraint) => holds(constraint, value));
}

/** The value has the type that the constraint is for: its shape has been checked. */
export function holds(constraint: Constraint, value: unknown): boolean {
  return constraint.holds(value as never);
}

function textOf(constraint: Constraint): string {
  return constraint.text;
}

function lengthOf(value: Sized): number {
  return typeof value === 'string' || isList(value) ? value.length : Object.keys(value).length;
}

function isList(value: Sized): value is readonly unknown[] {
  return Array.isArray(value);
}
