/**
 * Sequence numbers on the wire: the log's own behind a one, in 21 digits, so that they sort as text as they do as numbers, and no
 * reader that takes them for numbers loses leading zeros (AWS: API_streams_StreamRecord says 21 to 40 digits).
 */
export function sequenceNumber(sequence: number): string {
  return `1${String(sequence).padStart(digits, '0')}`;
}

/** @returns the log's sequence number, or the nearest that there can be; undefined where the text is no number. */
export function parseSequenceNumber(text: string): number | undefined {
  if (!/^\d{1,40}$/.test(text)) return undefined;
  const sequence = BigInt(text) - base;
  if (sequence < 0n) return 0;
  return sequence > largest ? Number.MAX_SAFE_INTEGER : Number(sequence);
}

const digits = 20;
const base = 10n ** BigInt(digits);
const largest = BigInt(Number.MAX_SAFE_INTEGER);
