import { randomFillSync } from 'node:crypto';

/** What is longer is not to be told from what begins like it. */
export const nameLengthMax = 8_192;

/** Whether each character is one byte, as in all names that are made of keys. */
export function isBinary(name: string): boolean {
  let bits = 0;
  for (let i = 0; i < name.length; i++) bits |= name.charCodeAt(i);
  return bits <= 0xff;
}

/**
 * 32 bits of a name: multilinear hashing with keys that are drawn at the start (Carter and Wegman; Lemire and Kaser, "Strongly
 * universal string hashing is fast"), and then MurmurHash3's finalizer. Whoever chooses names cannot know the keys, so two of
 * them have the same hash by chance only, in one case of 2^25 at most.
 */
export function hashName(name: string): number {
  let hash = Math.imul(name.length, lengthKey);
  for (let i = 0; i < name.length; i++) hash = (hash + Math.imul(name.charCodeAt(i), keys[i] as number)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

const keys = randomFillSync(new Int32Array(nameLengthMax + 1));
const lengthKey = (keys[nameLengthMax] as number) | 1;
