import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { serializationError, serviceUnavailable } from '../../protocol/errors.ts';
import { MemoryBudget } from './gathered-bytes.ts';
import { type HttpLimits, ProtocolError } from './limits.ts';

const methods = new Map([
  ['gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
]);

/** Bodies decompressed at once: as many as libuv has threads. */
const runningMax = 4;

/**
 * Decompresses bodies. A thousandth of a body's size can stand for it here, so that the bound on what is received
 * bounds nothing:
 *
 * 1. At most four bodies are being decompressed, each to `bodyBytesMax` at most. The others wait in their order; they
 *    are no more than the requests that connections may have under way.
 * 2. What is decompressed counts until `release`, and never exceeds `gatheredBytesMax`.
 */
export class Decompressor {
  readonly #bodyBytesMax: number;
  readonly #budget: MemoryBudget;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: HttpLimits) {
    this.#bodyBytesMax = limits.bodyBytesMax;
    this.#budget = new MemoryBudget(limits.gatheredBytesMax);
  }

  /**
   * @param encoding the Content-Encoding.
   * @returns the plain body, for which `release` has to be called once.
   * @throws DynamoDbError, as a rejection: SerializationException where the encoding is neither `gzip` nor `deflate` or
   * the bytes are not of it, ServiceUnavailable where too much is held; ProtocolError 413 for a body that is too long.
   */
  async decompress(body: Buffer, encoding: string): Promise<Buffer> {
    const method = methods.get(encoding.toLowerCase());
    if (method === undefined) throw serializationError();
    await this.#turn();
    const plain = await method(body, { maxOutputLength: this.#bodyBytesMax })
      .catch(refuse)
      .finally(() => this.#next());
    if (!this.#budget.reserve(plain.length)) throw serviceUnavailable('Too many compressed requests at once');
    return plain;
  }

  release(plain: Buffer): void {
    this.#budget.release(plain.length);
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#start();
    });
  }

  #next(): void {
    this.#running--;
    this.#start();
  }

  #start(): void {
    if (this.#running >= runningMax) return;
    const resolve = this.#waiting.shift();
    if (resolve === undefined) return;
    this.#running++;
    resolve();
  }
}

function refuse(error: unknown): never {
  const tooLong = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
  throw tooLong ? new ProtocolError(413, 'body too long') : serializationError();
}
