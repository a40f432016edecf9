import type { Item } from '../../protocol/attribute-value.ts';
import { benchItem, REVISION_MIN } from '../item.ts';

/**
 * What the `number`-th write puts into a table of so many keys, which come one after the other, again and again. Files of history are
 * compressed, and would be far too small if items were alike: half of an item's text is random, and differs from write to write.
 */
export function historyItem(number: number, keys: number): Item {
  const item = benchItem(number % keys, REVISION_MIN + number);
  const text = item.payload !== undefined && 'S' in item.payload ? item.payload.S : '';
  const randomChars = text.length >> 1;
  return { ...item, payload: { S: randomText(number, randomChars) + text.slice(randomChars) } };
}

/** The same for the same seed. */
function randomText(seed: number, length: number): string {
  let text = '';
  // Seeds that are near to one another have to begin far apart; xorshift never leaves 0.
  let x = Math.imul(seed + 1, 0x9e3779b1) | 1;
  while (text.length < length) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    for (let shift = 0; shift < 30; shift += 6) text += alphabet.charAt((x >>> shift) & 63);
  }
  return text.slice(0, length);
}

/** None of them needs an escape in JSON. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
