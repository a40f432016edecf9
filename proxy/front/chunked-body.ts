import type { GatheredBytes } from './gathered-bytes.ts';
import { type HttpLimits, ProtocolError } from './limits.ts';
import { valueCharacters } from './request-head.ts';

type State = 'size' | 'extension' | 'size-end' | 'data' | 'data-end' | 'trailer' | 'trailer-end' | 'done';

const lineFeed = 10;
const carriageReturn = 13;
const semicolon = 59;

/** Decodes a body in chunked framing (RFC 9112, 7.1), however it is cut into reads. */
export class ChunkedBody {
  readonly #limits: HttpLimits;
  readonly #body: GatheredBytes;
  #state: State = 'size';
  #size = 0;
  #sizeDigits = 0;
  /** Bytes of the present chunk's data still to come. */
  #dataLeft = 0;
  /** Bytes in the present trailer line; an empty line ends the body. */
  #lineBytes = 0;
  #overheadBytes = 0;

  constructor(limits: HttpLimits, body: GatheredBytes) {
    this.#limits = limits;
    this.#body = body;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** @returns the offset behind what was read: the end of `bytes` or of the body. */
  read(bytes: Buffer, start: number): number {
    let i = start;
    while (i < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') i = this.#readData(bytes, i);
      else this.#step(bytes[i++] as number);
    }
    return i;
  }

  #readData(bytes: Buffer, start: number): number {
    const end = Math.min(bytes.length, start + this.#dataLeft);
    if (!this.#body.append(bytes, start, end)) throw new ProtocolError(503, 'too many bodies at once');
    this.#dataLeft -= end - start;
    if (this.#dataLeft === 0) this.#state = 'data-end';
    return end;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case 'size':
        this.#readSize(byte);
        return;
      case 'extension':
        this.#readOver(byte, 'size-end');
        return;
      case 'size-end':
        expectLineFeed(byte);
        this.#beginData();
        return;
      case 'data-end':
        this.#readDataEnd(byte);
        return;
      case 'trailer':
        this.#readOver(byte, 'trailer-end');
        return;
      case 'trailer-end':
        expectLineFeed(byte);
        this.#state = this.#lineBytes === 0 ? 'done' : 'trailer';
        this.#lineBytes = 0;
        return;
      default:
        throw new Error(`no byte is read in state ${this.#state}`);
    }
  }

  #readSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#sizeDigits > 8) throw new ProtocolError(400, 'chunk size too long');
      this.#size = this.#size * 16 + digit;
      return;
    }
    if (this.#sizeDigits === 0) throw new ProtocolError(400, 'chunk size is missing');
    if (byte === semicolon) this.#state = 'extension';
    else if (byte === carriageReturn) this.#state = 'size-end';
    else throw new ProtocolError(400, 'malformed chunk size');
  }

  /** Extensions and trailers mean nothing here: they are checked, counted and dropped. */
  #readOver(byte: number, atEnd: State): void {
    if (byte === carriageReturn) {
      this.#state = atEnd;
      return;
    }
    if (valueCharacters[byte] !== 1) throw new ProtocolError(400, 'control character in chunked framing');
    this.#lineBytes++;
    if (++this.#overheadBytes > this.#limits.chunkOverheadBytesMax)
      throw new ProtocolError(431, 'trailers too long');
  }

  #beginData(): void {
    if (this.#body.length + this.#size > this.#limits.bodyBytesMax)
      throw new ProtocolError(413, 'body too long');
    this.#state = this.#size === 0 ? 'trailer' : 'data';
    this.#dataLeft = this.#size;
    this.#size = 0;
    this.#sizeDigits = 0;
    this.#lineBytes = 0;
  }

  /** CR and LF behind the data; `dataLeft` tells which of them is next. */
  #readDataEnd(byte: number): void {
    if (this.#dataLeft === 0) {
      if (byte !== carriageReturn) throw new ProtocolError(400, 'chunk longer than its size');
      this.#dataLeft = -1;
      return;
    }
    expectLineFeed(byte);
    this.#dataLeft = 0;
    this.#state = 'size';
  }
}

function expectLineFeed(byte: number): void {
  if (byte !== lineFeed) throw new ProtocolError(400, 'bare CR in chunked framing');
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
