import { randomBytes } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUV';
/** All pairs of characters: ten bits become text by one look-up. */
const pairs = Array.from({ length: 1024 }, (_, i) => `${alphabet[i >> 5]}${alphabet[i & 31]}`);
const counterBits = 20;
const counterMask = (1 << counterBits) - 1;
/** Odd, so that it permutes the counter's values: successive ids do not look alike. */
const scatter = 0x9e375;

/**
 * Ids as AWS gives them in `x-amzn-RequestId`: 52 digits and capitals. They are unique, not secret: 48 characters
 * are random, drawn anew after a million ids, and four count.
 */
export class RequestIds {
  #prefix = '';
  #count = 0;

  next(): string {
    if (this.#count === 0) this.#prefix = randomText(48);
    const scattered = Math.imul(this.#count, scatter) & counterMask;
    this.#count = (this.#count + 1) & counterMask;
    return this.#prefix + (pairs[scattered >> 10] as string) + (pairs[scattered & 1023] as string);
  }
}

function randomText(length: number): string {
  let text = '';
  for (const byte of randomBytes(length)) text += alphabet[byte & 31];
  return text;
}
