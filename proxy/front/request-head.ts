import { type HttpLimits, ProtocolError } from './limits.ts';

/**
 * The request line and headers of one request. Header values are cut out of the text only when somebody asks for
 * them: of the dozen headers an SDK sends, a few are looked at.
 */
export class RequestHead {
  readonly method: string;
  readonly target: string;
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minorVersion: number;
  /** Body length as announced; 0 where nothing is. */
  contentLength = 0;
  chunked = false;
  /** The connection ends after this request. */
  close = false;
  expectsContinue = false;
  /** The latin-1 text of the head; every character is one byte. */
  readonly #text: string;
  /** Four offsets into the text per header: its name from and to, its value from and to. */
  readonly #spans: readonly number[];

  constructor(text: string, line: RequestLine, spans: readonly number[]) {
    this.#text = text;
    this.#spans = spans;
    this.method = line.method;
    this.target = line.target;
    this.minorVersion = line.minorVersion;
  }

  /**
   * @param name in lower case.
   * @returns the value without white space around it; the values of a repeated header joined by commas.
   */
  header(name: string): string | undefined {
    const spans = this.#spans;
    let value: string | undefined;
    for (let i = 0; i < spans.length; i += 4) {
      if (!this.#named(i, name)) continue;
      const next = this.#text.slice(spans[i + 2], spans[i + 3]);
      value = value === undefined ? next : `${value},${next}`;
    }
    return value;
  }

  #named(span: number, name: string): boolean {
    const start = this.#spans[span] as number;
    const length = (this.#spans[span + 1] as number) - start;
    if (length !== name.length) return false;
    for (let i = 0; i < length; i++) {
      if (lowerCase(this.#text.charCodeAt(start + i)) !== name.charCodeAt(i)) return false;
    }
    return true;
  }
}

interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: number;
  /** Length of the line with its end. */
  readonly length: number;
}

/**
 * Reads the head that begins at `start`.
 * @returns the head and the offset behind it; undefined where bytes are missing.
 * @throws ProtocolError for everything RFC 9112 lets a server refuse: bare CR or LF, folded lines, white space before
 * a colon, repeated or contradicting framing headers. What two servers could read differently is never guessed at.
 */
export function readHead(
  bytes: Buffer,
  start: number,
  limits: HttpLimits,
): { head: RequestHead; end: number } | undefined {
  const linesStart = requestLineEnd(bytes, start);
  const spans: number[] = [];
  const end = linesStart < 0 ? -1 : readHeaderLines(bytes, start, linesStart, spans);
  if ((end < 0 ? bytes.length : end) - start > limits.headerBytesMax)
    throw new ProtocolError(431, 'head too long');
  if (spans.length > limits.headersMax * 4) throw new ProtocolError(431, 'too many headers');
  if (end < 0) return undefined;
  const text = bytes.toString('latin1', start, end);
  const head = new RequestHead(text, readRequestLine(text, linesStart - start), spans);
  applyFraming(head);
  return { head, end };
}

const lineFeed = 10;
const carriageReturn = 13;
const space = 32;
const tab = 9;
const colon = 58;

/** 1 for the characters of a token (RFC 9110, 5.6.2). */
const tokenCharacters = characterTable(/[!#$%&'*+.^_`|~0-9A-Za-z-]/);
/** 1 for the characters of a header value: visible ones, space, tab and bytes above 127. */
export const valueCharacters = characterTable(/[\t\x20-\x7e\x80-\xff]/);

function characterTable(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (pattern.test(String.fromCharCode(code)) ? 1 : 0));
}

function lowerCase(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}

/** @returns the offset behind the request line, -1 where bytes are missing. */
function requestLineEnd(bytes: Buffer, start: number): number {
  let i = start;
  while (i < bytes.length && valueCharacters[bytes[i] as number] === 1) i++;
  return endOfLine(bytes, i);
}

/** @returns the offset behind the CRLF that must stand at `i`, -1 where bytes are missing. */
function endOfLine(bytes: Buffer, i: number): number {
  if (i < bytes.length && bytes[i] !== carriageReturn)
    throw new ProtocolError(400, 'control character in the head');
  if (i + 1 >= bytes.length) return -1;
  if (bytes[i + 1] !== lineFeed) throw new ProtocolError(400, 'bare CR in the head');
  return i + 2;
}

/** Fills `spans` with offsets relative to `base`. @returns the offset behind the empty line, -1 where bytes are missing. */
function readHeaderLines(bytes: Buffer, base: number, from: number, spans: number[]): number {
  const length = bytes.length;
  let i = from;
  while (i < length && bytes[i] !== carriageReturn) {
    const nameStart = i;
    while (i < length && tokenCharacters[bytes[i] as number] === 1) i++;
    const nameEnd = i;
    if (i >= length) return -1;
    if (bytes[i] !== colon || nameEnd === nameStart) throw new ProtocolError(400, 'malformed header name');
    i++;
    while (i < length && (bytes[i] === space || bytes[i] === tab)) i++;
    const valueStart = i;
    while (i < length && valueCharacters[bytes[i] as number] === 1) i++;
    let valueEnd = i;
    i = endOfLine(bytes, i);
    if (i < 0) return -1;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1])) valueEnd--;
    spans.push(nameStart - base, nameEnd - base, valueStart - base, valueEnd - base);
  }
  return i < length ? endOfLine(bytes, i) : -1;
}

function isBlank(byte: number | undefined): boolean {
  return byte === space || byte === tab;
}

const commonLine = 'POST / HTTP/1.1\r\n';
const common: RequestLine = { method: 'POST', target: '/', minorVersion: 1, length: commonLine.length };

function readRequestLine(text: string, length: number): RequestLine {
  if (length === commonLine.length && text.startsWith(commonLine)) return common;
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([\x21-\x7e]+) HTTP\/(\d)\.(\d)\r\n/.exec(text);
  if (match === null) throw new ProtocolError(400, 'malformed request line');
  const [, method = '', target = '', major, minor] = match;
  if (major !== '1' || (minor !== '0' && minor !== '1'))
    throw new ProtocolError(505, 'HTTP version not supported');
  return { method, target, minorVersion: Number(minor), length };
}

/** Decides where the body ends and whether the connection goes on. */
function applyFraming(head: RequestHead): void {
  const length = head.header('content-length');
  const encoding = head.header('transfer-encoding');
  if (length !== undefined) head.contentLength = parseLength(length);
  if (encoding !== undefined) {
    if (length !== undefined) throw new ProtocolError(400, 'both Content-Length and Transfer-Encoding');
    if (head.minorVersion === 0) throw new ProtocolError(400, 'Transfer-Encoding in HTTP/1.0');
    if (encoding.toLowerCase() !== 'chunked') throw new ProtocolError(501, 'unknown Transfer-Encoding');
    head.chunked = true;
  }
  checkHost(head);
  const connection = head.header('connection')?.toLowerCase();
  head.close = head.minorVersion === 0 ? !lists(connection, 'keep-alive') : lists(connection, 'close');
  head.expectsContinue = isContinueExpected(head);
}

/** A repeated header comes joined by a comma and is refused here too. */
function parseLength(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new ProtocolError(400, 'malformed Content-Length');
  return Number(text);
}

function checkHost(head: RequestHead): void {
  const host = head.header('host');
  if (host === undefined && head.minorVersion === 1) throw new ProtocolError(400, 'Host is missing');
  if (host?.includes(',')) throw new ProtocolError(400, 'more than one Host');
}

function lists(header: string | undefined, option: string): boolean {
  if (header === undefined || !header.includes(option)) return false;
  return header === option || header.split(',').some((element) => element.trim() === option);
}

function isContinueExpected(head: RequestHead): boolean {
  const expect = head.header('expect');
  if (expect === undefined || head.minorVersion === 0) return false;
  if (expect.toLowerCase() !== '100-continue') throw new ProtocolError(417, 'unknown expectation');
  return true;
}
