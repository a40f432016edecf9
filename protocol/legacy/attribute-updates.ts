import {
  type AttributeType,
  type AttributeValue,
  attributeType,
  canonicalValue,
  getAttribute,
  type Item,
} from '../attribute-value.ts';
import { validationError } from '../errors.ts';
import type { Condition } from '../expression/condition.ts';
import type { DocumentPath } from '../expression/paths.ts';
import { Update } from '../expression/update.ts';
import type { AttributeValueUpdate, UpdateItemInput } from '../operation.ts';
import { checkAttributeName } from './attribute-name.ts';
import { invalidParameterValue } from './errors.ts';

/** What is done with each attribute, by its name. */
export type AttributeUpdates = Readonly<Record<string, AttributeValueUpdate>>;

/**
 * Checks that each action has a value of a type that it takes.
 * @returns the input with canonical values; the very input where it has no AttributeUpdates.
 * @throws ValidationException
 */
export function checkAttributeUpdates(input: UpdateItemInput): UpdateItemInput {
  if (input.AttributeUpdates === undefined) return input;
  const checked = Object.entries(input.AttributeUpdates).map(([name, update]) => {
    checkAttributeName(name);
    return [name, checkUpdate(update)] as const;
  });
  return { ...input, AttributeUpdates: Object.fromEntries(checked) };
}

/**
 * Checked AttributeUpdates, as an UpdateExpression would state them (AWS: LegacyConditionalParameters.AttributeUpdates).
 * @returns undefined where there are none: then the item is only created.
 */
export function bindAttributeUpdates(updates: AttributeUpdates): Update | undefined {
  const names = Object.keys(updates);
  if (names.length === 0) return undefined;
  const paths = names.map((name): DocumentPath => [name]);
  const actions = names.map((name) => actionOf(name, updates[name] as AttributeValueUpdate));
  const leaves = paths.map((path, leaf) => [path[0], { path, leaf }] as const);
  return new Update(paths, actions, { path: [''], names: new Map(leaves) });
}

/**
 * The condition of the update, or none, and behind it a guard of the updates: it throws where ADD or DELETE would meet an
 * attribute of another type than their value's, for which AWS has another text than for expressions.
 */
export function guardTypes(
  updates: AttributeUpdates,
  condition: Condition | undefined,
): Condition | undefined {
  const types = new Map<string, AttributeType>();
  for (const name of Object.keys(updates)) {
    const { Action: action, Value: value } = updates[name] as AttributeValueUpdate;
    if (value !== undefined && action !== 'PUT') types.set(name, attributeType(value));
  }
  if (types.size === 0) return condition;
  return {
    holds: (item) => (condition?.holds(item) ?? true) && checkTypes(types, item),
    attributeNames: condition?.attributeNames ?? nothing,
    documentNames: condition?.documentNames ?? nothing,
  };
}

const nothing: ReadonlySet<string> = new Set();

/** @throws ValidationException if an attribute has another type. */
function checkTypes(types: ReadonlyMap<string, AttributeType>, item: Item): true {
  for (const [name, type] of types) {
    const value = getAttribute(item, name);
    if (value === undefined || attributeType(value) === type) continue;
    throw validationError('Type mismatch for attribute to update');
  }
  return true;
}

const sets: ReadonlySet<AttributeType> = new Set(['SS', 'NS', 'BS']);
/** AWS documents numbers and sets; lists are appended to. */
const addable: ReadonlySet<AttributeType> = new Set(['N', 'SS', 'NS', 'BS', 'L']);

function checkUpdate({ Action: action = 'PUT', Value: value }: AttributeValueUpdate): AttributeValueUpdate {
  if (value === undefined) {
    if (action === 'DELETE') return { Action: action };
    throw invalidParameterValue('Only DELETE action is allowed when no attribute value is specified');
  }
  const canonical = canonicalValue(value);
  const type = attributeType(canonical);
  if (action === 'DELETE' && !sets.has(type)) {
    throw invalidParameterValue(`DELETE action with value is not supported for the type ${type}`);
  }
  if (action === 'ADD' && !addable.has(type)) {
    throw invalidParameterValue(`ADD action is not supported for the type ${type}`);
  }
  return { Action: action, Value: canonical };
}

type Action = Update['actions'][number];

function actionOf(name: string, { Action: action, Value: value }: AttributeValueUpdate): Action {
  if (value === undefined) return { kind: 'REMOVE' };
  if (action === 'DELETE') return { kind: 'DELETE', value };
  if (action !== 'ADD') return { kind: 'SET', value: () => value, type: attributeType(value) };
  if (!('L' in value)) return { kind: 'ADD', value };
  return { kind: 'SET', value: (item) => append(getAttribute(item, name), value.L), type: 'L' };
}

function append(list: AttributeValue | undefined, elements: AttributeValue[]): AttributeValue {
  return { L: list !== undefined && 'L' in list ? [...list.L, ...elements] : elements };
}
