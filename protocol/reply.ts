import { crc32 } from 'node:zlib';

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

/** The members of an operation's answer; an `ItemJson` may stand wherever an item may. */
export type Output = Record<string, unknown>;

/** The answer to one call. Its body is made once, however often the reply is sent. */
export class Reply {
  #output: Output | undefined;
  #body: Buffer | undefined;
  #crc32: number | undefined;

  constructor(output: Output | undefined, body?: Buffer) {
    this.#output = output;
    this.#body = body;
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
  if (parts.length === 1 && typeof parts[0] === 'string') return Buffer.from(parts[0]);
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

/** Writes `value` as JSON, descending only where an `ItemJson` can be. */
function write(value: unknown, parts: (string | Buffer)[]): void {
  if (value instanceof ItemJson) {
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
    if (member instanceof ItemJson) return true;
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
  return first instanceof ItemJson || (depth < 2 && isPlainObject(first) && holdsItems(first, depth + 1));
}

function isFilledObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  for (const _ in value) return true;
  return false;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ItemJson);
}

/** Joins neighbouring strings, so that the body is put together from few pieces. */
function append(text: string, parts: (string | Buffer)[]): void {
  const last = parts.length - 1;
  const previous = parts[last];
  if (typeof previous === 'string') parts[last] = previous + text;
  else parts.push(text);
}
