import { createHash } from 'node:crypto';
import { validationError } from '../../protocol/errors.ts';

/** A page of ListExports or ListImports. */
export interface TransferPage<T> {
  readonly records: readonly T[];
  readonly NextToken?: string;
}

/**
 * @param kind tokens of one list are none of the other.
 * @param records the newest first, by their ids.
 * @throws ValidationException for a token that is not ours
 */
export function transferPage<T extends { readonly id: string }>(
  kind: 'exports' | 'imports',
  records: readonly T[],
  countMax = pageDefault,
  token?: string,
): TransferPage<T> {
  const before = token === undefined ? undefined : readToken(kind, token);
  const rest = before === undefined ? records : records.filter(({ id }) => id < before);
  const page = rest.slice(0, countMax);
  const last = page.at(-1);
  return {
    records: page,
    ...(last !== undefined && page.length < rest.length && { NextToken: tokenOf(kind, last.id) }),
  };
}

/** Measured; the reference has no number. */
const pageDefault = 10;

/** The SDKs know that it has 112 hexadecimal digits at least, in sixteens. */
function tokenOf(kind: string, id: string): string {
  const text = Buffer.from(`${kind}/${id}/`);
  const digest = createHash('sha256').update(text).digest();
  return Buffer.concat([text, digest], tokenBytes).toString('hex');
}

const tokenBytes = 56;

function readToken(kind: string, token: string): string {
  const [, id = ''] = Buffer.from(token, 'hex').toString('latin1').split('/', 2);
  if (tokenOf(kind, id) === token) return id;
  throw validationError(`Invalid Request: Provided nextToken is invalid: ${token}`);
}
