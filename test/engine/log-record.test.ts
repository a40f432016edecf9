import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LogFormatError } from '../../engine/log/errors.ts';
import { headerBytes } from '../../engine/log/header.ts';
import { BatchEncoder, type Change, decodeBatch, type LogEntry } from '../../engine/log/record.ts';

const image = fc.record({
  json: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  size: fc.integer({ min: 0, max: 0xffffffff }),
});
const binaryKey = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const itemChange = fc.record(
  {
    kind: fc.constant('item' as const),
    table: fc.integer({ min: 0, max: 0xffffffff }),
    key: binaryKey,
    oldImage: image,
    newImage: image,
    principal: fc.constant('ttl' as const),
    replicatedFrom: text,
    collectionBytes: fc.maxSafeNat(),
  },
  { requiredKeys: ['kind', 'table', 'key'] },
);
const catalogChange = fc.record({ kind: fc.constant('catalog' as const), json: text });
const change = fc.oneof({ weight: 5, arbitrary: itemChange }, catalogChange);
const entryParts = fc.record({
  gap: fc.nat(3),
  timeMs: fc.nat(1000),
  token: fc.option(text, { nil: undefined }),
  changes: fc.array(change, { maxLength: 4 }),
});

/** Entries whose sequence numbers and times rise, from some start up to beyond 32 bits. */
const entries = fc
  .tuple(fc.array(entryParts, { minLength: 1, maxLength: 8 }), fc.constantFrom(0, 0xffff_fff0, 2 ** 52))
  .map(([parts, start]) => {
    let sequence = start;
    let time = start;
    return parts.map(({ gap, timeMs, token, changes }): LogEntry => {
      const firstSequence = sequence + gap;
      sequence = firstSequence + changes.length;
      time += timeMs;
      return { firstSequence, timeMs: time, ...(token === undefined ? {} : { token }), changes };
    });
  });

function payloadOf(batch: readonly LogEntry[], encoder = new BatchEncoder()): Buffer {
  for (const entry of batch) encoder.add(entry);
  return encoder.take().subarray(headerBytes);
}

function itemOf(json: Buffer, key = 'k'): LogEntry['changes'][number] {
  return { kind: 'item', table: 1, key, newImage: { json, size: json.length } };
}

/** The byte that all of a new image's `length` bytes are. */
function fillOf(change: Change | undefined, length: number): number | undefined {
  const json = change?.kind === 'item' ? change.newImage?.json : undefined;
  return json?.equals(Buffer.alloc(length, json[0])) ? json[0] : undefined;
}

describe('records of the log', () => {
  test('come back as they were added', () => {
    const encoder = new BatchEncoder();
    fc.assert(
      fc.property(entries, (batch) => {
        expect(decodeBatch(payloadOf(batch, encoder))).toEqual(batch);
      }),
    );
  });

  test('the encoder counts what it holds', () => {
    fc.assert(
      fc.property(entries, (batch) => {
        const encoder = new BatchEncoder();
        for (const entry of batch) encoder.add(entry);
        const last = batch.at(-1) as LogEntry;
        expect(encoder.entryCount).toBe(batch.length);
        expect(encoder.range).toEqual({
          firstSequence: batch[0]?.firstSequence,
          firstTimeMs: batch[0]?.timeMs,
          nextSequence: last.firstSequence + last.changes.length,
          lastTimeMs: last.timeMs,
        });
        const { byteLength } = encoder;
        expect(encoder.take().length).toBe(headerBytes + byteLength);
        expect([encoder.entryCount, encoder.byteLength]).toEqual([0, 0]);
      }),
    );
  });

  test('a frame stays as it is while the next batch is gathered', () => {
    const encoder = new BatchEncoder();
    encoder.add({ firstSequence: 1, timeMs: 1, changes: [itemOf(Buffer.from('first'))] });
    const frame = encoder.take();
    const before = Buffer.from(frame);
    for (let i = 2; i < 50; i++) {
      encoder.add({ firstSequence: i, timeMs: 1, changes: [itemOf(Buffer.alloc(9000, i))] });
    }
    expect(frame.equals(before)).toBe(true);
  });

  test('a batch grows past the first buffer', () => {
    const batch = Array.from({ length: 40 }, (_, i) => ({
      firstSequence: i,
      timeMs: 7,
      changes: [itemOf(Buffer.alloc(400_000, i))],
    }));
    const encoder = new BatchEncoder();
    for (const length of [40, 3, 40]) {
      const decoded = decodeBatch(payloadOf(batch.slice(0, length), encoder));
      expect(decoded.map(({ changes }) => fillOf(changes[0], 400_000))).toEqual([...Array(length).keys()]);
    }
  });

  test.each<[string, LogEntry]>([
    ['a sequence number that was given', { firstSequence: 6, timeMs: 100, changes: [] }],
    ['a time before the last one', { firstSequence: 7, timeMs: 99, changes: [] }],
    ['a sequence number past the safe integers', { firstSequence: 2 ** 53, timeMs: 100, changes: [] }],
    ['a time that is no integer', { firstSequence: 7, timeMs: 100.5, changes: [] }],
    [
      'a key that is too long',
      { firstSequence: 7, timeMs: 100, changes: [itemOf(Buffer.from('x'), 'k'.repeat(65536))] },
    ],
    [
      'a table out of range',
      { firstSequence: 7, timeMs: 100, changes: [{ kind: 'item', table: -1, key: 'k' }] },
    ],
  ])('%s is refused and changes nothing', (_, entry) => {
    const good: LogEntry = {
      firstSequence: 5,
      timeMs: 100,
      changes: [itemOf(Buffer.from('a')), itemOf(Buffer.from('b'))],
    };
    const encoder = new BatchEncoder();
    encoder.add(good);
    expect(() => encoder.add(entry)).toThrow(RangeError);
    expect(decodeBatch(encoder.take().subarray(headerBytes))).toEqual([good]);
  });

  test('what a later version may have written is refused by name', () => {
    const payload = payloadOf([{ firstSequence: 1, timeMs: 1, changes: [itemOf(Buffer.from('x'))] }]);
    const changed = (offset: number, value: number) => {
      const copy = Buffer.from(payload);
      copy[offset] = value;
      return () => decodeBatch(copy);
    };
    expect(changed(0, 0x81)).toThrow(new LogFormatError('a log entry has unknown flags 0x80'));
    expect(changed(21, 9)).toThrow(new LogFormatError('a change is of unknown kind 9'));
    expect(changed(22, 0x40)).toThrow(new LogFormatError('a change of an item has unknown flags 0x40'));
  });

  test('bytes that are no payload never make it read past the end or allocate for a count', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          decodeBatch(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(LogFormatError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
