import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip, gunzipSync, inflate, inflateSync } from 'node:zlib';
import { serializationError } from '../../protocol/errors.ts';
import { ProtocolError } from './limits.ts';

const gunzipInBackground = promisify(gunzip);
const inflateInBackground = promisify(inflate);

/** Up to this size a body is decompressed on the spot: a trip to the thread pool costs more. */
const inflatedInPlaceBytesMax = 4 * 1024;

/** Levels of JSON an operation can need: 32 of an item, two each for the type and the value, and what is around it. */
export const jsonDepthMax = 128;

/**
 * Undoes the Content-Encoding.
 * @throws DynamoDbError SerializationException where the bytes are not what the encoding says, or it is none of
 * `identity`, `gzip` and `deflate`; ProtocolError 413 beyond `bytesMax`. Both may come as a rejection.
 */
export function decodeBody(body: Buffer, encoding: string, bytesMax: number): Buffer | Promise<Buffer> {
  switch (encoding.toLowerCase()) {
    case 'identity':
      return body;
    case 'gzip':
      return decompress(body, bytesMax, gunzipSync, gunzipInBackground);
    case 'deflate':
      return decompress(body, bytesMax, inflateSync, inflateInBackground);
    default:
      throw serializationError();
  }
}

interface Bounds {
  readonly maxOutputLength: number;
}

function decompress(
  body: Buffer,
  bytesMax: number,
  inPlace: (body: Buffer, bounds: Bounds) => Buffer,
  inBackground: (body: Buffer, bounds: Bounds) => Promise<Buffer>,
): Buffer | Promise<Buffer> {
  if (body.length > inflatedInPlaceBytesMax) {
    return inBackground(body, { maxOutputLength: bytesMax }).catch((error: unknown) => refuse(error));
  }
  try {
    return inPlace(body, { maxOutputLength: bytesMax });
  } catch (error) {
    return refuse(error);
  }
}

function refuse(error: unknown): never {
  const tooLong = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
  throw tooLong ? new ProtocolError(413, 'body too long') : serializationError();
}

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
