import { crc32 } from 'node:zlib';
import type { ExtensionHeaders } from './extension-headers.ts';

/**
 * An item as the JSON bytes in which it is stored, so that a read hands them on without parsing and printing.
 * `size` is the item's size as DynamoDB counts it, in bytes.
 */
export class ItemJson {
  readonly json: Buffer;
  readonly size: number;

  constructor(json: Buffer, size: number) {
    this.json = json;
    this.size = size;
  }

  /** For whoever prints it without knowing what it is. */
  toJSON(): unknown {
    return JSON.parse(this.json.toString());
  }
}

/** A list of items as JSON bytes, brackets included. */
export class ItemsJson {
  readonly json: Buffer;

  constructor(json: Buffer) {
    this.json = json;
  }

  /** For whoever prints it without knowing what it is. */
  toJSON(): unknown {
    return JSON.parse(this.json.toString());
  }
}

/** What a projection leaves of an item as JSON bytes: like an item, but of a size that nobody has counted. */
export class PartJson {
  readonly json: Buffer;

  constructor(json: Buffer) {
    this.json = json;
  }

  get isEmpty(): boolean {
    return this.json.length === emptyMapBytes;
  }

  /** For whoever prints it without knowing what it is. */
  toJSON(): unknown {
    return JSON.parse(this.json.toString());
  }
}

const emptyMapBytes = 2;

/**
 * The members of an operation's answer; an `ItemJson` or a `PartJson` may stand for an item, an `ItemsJson` for a list of
 * them.
 */
export type Output = Record<string, unknown>;

/** The answer to one call. Its body is made once, however often the reply is sent. */
export class Reply {
  #output: Output | undefined;
  #body: Buffer | undefined;
  #crc32: number | undefined;
  /** What it carries beside its body that is not AWS's. */
  readonly extensions: ExtensionHeaders | undefined;

  constructor(output: Output | undefined, body?: Buffer, extensions?: ExtensionHeaders) {
    this.#output = output;
    this.#body = body;
    this.extensions = extensions;
  }

  /** A reply of which only the bytes are there: they are parsed if somebody asks for what they say. */
  static ofBody(body: Buffer): Reply {
    return new Reply(undefined, body);
  }

  get output(): Output {
    this.#output ??= JSON.parse(this.body.toString()) as Output;
    return this.#output;
  }

  /** The JSON bytes of the answer. */
  get body(): Buffer {
    this.#body ??= encode(this.#output ?? {});
    return this.#body;
  }

  /** CRC-32 of the body, as `x-amz-crc32` carries it. */
  get crc32(): number {
    this.#crc32 ??= crc32(this.body);
    return this.#crc32;
  }
}

function encode(output: Output): Buffer {
  const parts: (string | Buffer)[] = [];
  write(output, parts);
  return joined(parts);
}

/** One allocation for all. Between items stand commas alone, which are not worth a call. */
function joined(parts: readonly (string | Buffer)[]): Buffer {
  let length = 0;
  for (const part of parts) length += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
  const body = Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    if (part === ',') {
      body[at++] = comma;
    } else if (typeof part === 'string') {
      at += body.write(part, at);
    } else {
      body.set(part, at);
      at += part.length;
    }
  }
  return body;
}

const comma = 0x2c;

/** Writes `value` as JSON, descending only where an `ItemJson` can be. */
function write(value: unknown, parts: (string | Buffer)[]): void {
  if (isStored(value)) {
    parts.push(value.json);
  } else if (Array.isArray(value) && listHoldsItems(value, 0)) {
    writeAll(value, '[', ']', parts);
  } else if (isPlainObject(value) && holdsItems(value)) {
    writeMembers(value, parts);
  } else {
    append(JSON.stringify(value), parts);
  }
}

function writeAll(values: unknown[], open: string, close: string, parts: (string | Buffer)[]): void {
  append(open, parts);
  values.forEach((value, i) => {
    if (i > 0) append(',', parts);
    write(value, parts);
  });
  append(close, parts);
}

function writeMembers(value: Record<string, unknown>, parts: (string | Buffer)[]): void {
  let separator = '{';
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    append(`${separator}${JSON.stringify(name)}:`, parts);
    write(member, parts);
    separator = ',';
  }
  append(separator === '{' ? '{}' : '}', parts);
}

/** Items stand at most three levels down (`Responses.<table>[i]`, `Responses[i].Item`). */
function holdsItems(value: Record<string, unknown>, depth = 0): boolean {
  for (const name in value) {
    const member = value[name];
    if (isStored(member)) return true;
    if (Array.isArray(member)) {
      if (listHoldsItems(member, depth)) return true;
    } else if (depth < 2 && isPlainObject(member) && holdsItems(member, depth + 1)) {
      return true;
    }
  }
  return false;
}

/** One element speaks for its list, which may be long; one that is empty says nothing. */
function listHoldsItems(list: readonly unknown[], depth: number): boolean {
  const first = list.find(isFilledObject);
  return isStored(first) || (depth < 2 && isPlainObject(first) && holdsItems(first, depth + 1));
}

function isStored(value: unknown): value is ItemJson | ItemsJson | PartJson {
  return value instanceof ItemJson || value instanceof ItemsJson || value instanceof PartJson;
}

function isFilledObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  for (const _ in value) return true;
  return false;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isStored(value);
}

/** Joins neighbouring strings, so that the body is put together from few pieces. */
function append(text: string, parts: (string | Buffer)[]): void {
  const last = parts.length - 1;
  const previous = parts[last];
  if (typeof previous === 'string') parts[last] = previous + text;
  else parts.push(text);
}
