import { projectJson } from '../../protocol/expression/json-projection.ts';
import { keyReachedInto, projectedDocuments } from '../../protocol/expression/key-paths.ts';
import { bindProjection, type Projection } from '../../protocol/expression/projection.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import type { KeySchema } from '../../protocol/key.ts';
import type { ItemJson, PartJson } from '../../protocol/reply.ts';
import type { CachedItem } from './cached-item.ts';
import { isObject } from './key-reader.ts';

/**
 * The part of an item that a read asks for, from its ProjectionExpression and ExpressionAttributeNames.
 * @returns `whole` where it asks for no part, undefined for what the store would refuse.
 */
export function readProjection(expression: unknown, names: unknown): Projection | 'whole' | undefined {
  const isWhole = expression === undefined || expression === null;
  if (isWhole && (names === undefined || names === null)) return 'whole';
  if (typeof expression !== 'string' || !areNames(names)) return undefined;
  try {
    const substitutions = new Substitutions(names ?? undefined, undefined);
    const projection = bindProjection(expression, substitutions);
    substitutions.finish();
    return projection;
  } catch {
    return undefined;
  }
}

/** Whether a part of a key attribute is asked for, which the store refuses: keys are scalars. */
export function reachesIntoKey(projection: Projection | 'whole', schema: KeySchema): boolean {
  return projection !== 'whole' && keyReachedInto(projectedDocuments(projection), schema) !== undefined;
}

/** The item, or the part of it, as a reply has it; undefined where there is no item. */
export function projectCached(
  projection: Projection | 'whole',
  { item }: CachedItem,
): ItemJson | PartJson | undefined {
  return item === undefined || projection === 'whole' ? item : projectJson(projection, item);
}

function areNames(names: unknown): names is Record<string, string> | null | undefined {
  if (names === undefined || names === null) return true;
  return isObject(names) && Object.values(names).every((name) => typeof name === 'string');
}
