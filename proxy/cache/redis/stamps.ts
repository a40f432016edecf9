import type { Process } from './masters.ts';
import { unsettled } from './steps.ts';

/**
 * The form of the bytes that are kept: items as `encodeItem` makes them, pages as the bodies of replies. Whoever expects
 * another one finds nothing, and puts its own in that place.
 */
const valueFormat = '1';

/** Begins what is kept under a version of its table, by a process: under another stamp it is not served. */
export function stampOf(process: Process, version: string): string {
  return `${valueFormat}${process.stamp}${version}\n`;
}

/** @param stamp ASCII. */
export function stamped(stamp: string, value: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(stamp.length + value.length);
  bytes.write(stamp, 'latin1');
  value.copy(bytes, stamp.length);
  return bytes;
}

/** @param answer of a step: the stamped value, and what is left of its life in ms. */
export function readHit(
  answer: readonly unknown[],
  stampBytes: number,
): { kind: 'hit'; value: Buffer; ttlMs: number } {
  const [value, leftMs] = answer;
  if (!Buffer.isBuffer(value)) throw new TypeError('Redis answers values as buffers');
  return { kind: 'hit', value: value.subarray(stampBytes), ttlMs: Math.max(1, Number(leftMs)) };
}

/** @param answer of a step that gives an id. */
export function readTaken(answer: unknown): { id: string; isMarked: boolean } {
  const text = String(answer);
  const isMarked = text.startsWith(unsettled);
  return { id: isMarked ? text.slice(unsettled.length) : text, isMarked };
}

/**
 * For how long something may be kept, in whole milliseconds.
 * @param ttlMs 0 for no limit.
 * @param youngLeftMs as long as this is above 0, it is the limit of everything.
 */
export function lifeMs(ttlMs: number, longestMs: number, youngLeftMs: number): number {
  const wantedMs = ttlMs === 0 ? longestMs : Math.min(ttlMs, longestMs);
  return Math.ceil(youngLeftMs > 0 ? Math.min(wantedMs, youngLeftMs) : wantedMs);
}
