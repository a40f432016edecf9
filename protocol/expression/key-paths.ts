import { validationError } from '../errors.ts';
import type { KeySchema } from '../key.ts';
import type { Projection } from './projection.ts';

/**
 * The key attribute that one of the expressions reaches into, as in `key.a` or `key[0]`; undefined if none does. Key
 * attributes are scalars, so AWS takes that for a mistake.
 * @param documentNames the attributes that an expression reaches into.
 */
export function keyReachedInto(documentNames: ReadonlySet<string>, schema: KeySchema): string | undefined {
  if (documentNames.has(schema.partition.name)) return schema.partition.name;
  return schema.sort !== undefined && documentNames.has(schema.sort.name) ? schema.sort.name : undefined;
}

/** The attributes of which a projection takes parts only. */
export function projectedDocuments({ names }: Projection): ReadonlySet<string> {
  const documents = new Set<string>();
  for (const [name, below] of names ?? []) if (below.leaf === undefined) documents.add(name);
  return documents;
}

/** @throws ValidationException if an expression reaches into a key attribute. */
export function checkKeyPaths(documentNames: ReadonlySet<string>, schema: KeySchema): void {
  const name = keyReachedInto(documentNames, schema);
  if (name === undefined) return;
  throw validationError(
    `Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: ${name}`,
  );
}
