import { isUtf8 } from 'node:buffer';
import { serializationError } from '../../protocol/errors.ts';

/**
 * Levels of JSON. An item has 32 at most, of two or three levels of JSON each; AWS tells of values that nest deeper in
 * its own words up to some hundred.
 */
const jsonDepthMax = 320;

/**
 * Parses a body, which must be one JSON object. Member names are data here, `__proto__` among them: JSON.parse makes
 * own members of them.
 * @throws DynamoDbError SerializationException
 */
export function parseBody(body: Buffer): Readonly<Record<string, unknown>> {
  if (!isUtf8(body) || isTooDeep(body)) throw serializationError();
  let input: unknown;
  try {
    input = JSON.parse(body.toString('utf8'));
  } catch {
    throw serializationError();
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input)) throw serializationError();
  return input as Record<string, unknown>;
}

const quote = 34;
const backslash = 92;

/**
 * Whether the text nests deeper than `jsonDepthMax`, found in one pass before anything is built: sixteen million
 * brackets cost JSON.parse seconds and half a gigabyte, and nothing behind it has to fear for its stack.
 */
function isTooDeep(body: Buffer): boolean {
  // Every level takes two bytes at least, so that a short body needs no look.
  if (body.length < 2 * jsonDepthMax) return false;
  let depth = 0;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i] as number;
    if (byte === quote) {
      i = endOfString(body, i);
    } else if (byte === 123 || byte === 91) {
      if (++depth > jsonDepthMax) return true;
    } else if (byte === 125 || byte === 93) {
      depth--;
    }
  }
  return false;
}

/** @returns the offset of the quote that ends the string which begins at `start`. */
function endOfString(body: Buffer, start: number): number {
  let i = start + 1;
  while (i < body.length && body[i] !== quote) i += body[i] === backslash ? 2 : 1;
  return i;
}
