import type { DocumentPath } from '../expression/paths.ts';
import type { Projection } from '../expression/projection.ts';
import { checkAttributeName } from './attribute-name.ts';
import { invalidParameterValue } from './errors.ts';

/** @throws ValidationException if a name is none, or there twice. */
export function checkAttributesToGet(names: readonly string[] | undefined): void {
  if (names === undefined) return;
  const seen = new Set<string>();
  for (const name of names) {
    checkAttributeName(name);
    if (seen.has(name)) throw invalidParameterValue(`Duplicate value in attribute name: ${name}`);
    seen.add(name);
  }
}

/** AttributesToGet, as a ProjectionExpression would state them (AWS: LegacyConditionalParameters.AttributesToGet). */
export function bindAttributesToGet(names: readonly string[]): Projection {
  const paths = names.map((name): DocumentPath => [name]);
  const leaves = paths.map((path) => [path[0], { path, leaf: true }] as const);
  return { path: [''], names: new Map(leaves) };
}
