import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Image } from '../../engine/log/record.ts';
import type { StreamedChange } from '../../engine/stream/change.ts';
import {
  generationsMax,
  isDueToRoll,
  type LogMoment,
  retentionMs,
  rolled,
  type StreamDefinition,
} from '../../engine/stream/definition.ts';
import { LogIndex } from '../../engine/stream/log-index.ts';
import { RecentChanges } from '../../engine/stream/recent-changes.ts';
import { parseSequenceNumber, sequenceNumber } from '../../engine/stream/sequence-number.ts';

function streamOf(number: number, generations: readonly LogMoment[] = []): StreamDefinition {
  return {
    ...{ number, region: 'us-east-1', tableName: 'items', tableNumber: number, label: `${number}` },
    ...{ viewType: 'KEYS_ONLY', keySchema: [], keyTypes: [], createdMs: 0, shardCount: 8, generations },
  };
}

function changeOf(stream: number, slot: number, sequence: number, timeMs = sequence): StreamedChange {
  const images = { oldImage: undefined, newImage: imageOf(sequence), principal: undefined };
  return {
    stream: streamOf(stream),
    slot,
    change: { sequence, timeMs, event: 'INSERT', key: '\0\x01a', ...images },
  };
}

/** Of a length that the sequence number tells, as its contents do. */
function imageOf(sequence: number): Image {
  return { json: Buffer.from(`${sequence},`.repeat(sequence % 9)), size: 1 + sequence };
}

const changes = fc.array(
  fc.record({ stream: fc.integer({ min: 1, max: 3 }), slot: fc.nat(7), gap: fc.integer({ min: 1, max: 5 }) }),
  { maxLength: 60 },
);

describe('the index of the log', () => {
  /** One change a batch of 10 bytes, its sequence number ten times smaller than where it lies. */
  function indexed(program: readonly { stream: number; slot: number; gap: number }[], index: LogIndex) {
    let sequence = 0;
    return program.map(({ stream, slot, gap }) => {
      sequence += gap;
      index.add([changeOf(stream, slot, sequence)], sequence * 10, sequence * 10 + 10);
      return { stream, slot, sequence };
    });
  }

  test('leads to every change, however its blocks have grown together', () => {
    fc.assert(
      fc.property(changes, fc.nat(200), (program, from) => {
        const index = new LogIndex(30, 4);
        const all = indexed(program, index);
        for (const { stream, slot, sequence } of all.filter((change) => change.sequence >= from)) {
          const blocks = index.blocksWith(stream, slot, from, Number.POSITIVE_INFINITY);
          expect(blocks.some(({ lsn, endLsn }) => lsn <= sequence * 10 && sequence * 10 < endLsn)).toBe(true);
          expect(blocks.length).toBeLessThanOrEqual(4);
          expect(blocks.toSorted((a, b) => a.lsn - b.lsn)).toEqual(blocks);
        }
      }),
    );
  });

  test('leads to no block that has nothing for a shard', () => {
    const index = new LogIndex(1, 100);
    indexed(
      [1, 2, 3, 4].map((slot) => ({ stream: 1, slot, gap: 10 })),
      index,
    );
    expect(index.blocksWith(1, 3, 0, 1000)).toMatchObject([{ lsn: 300, endLsn: 310 }]);
    expect(index.blocksWith(1, 3, 31, 1000)).toEqual([]);
    expect(index.blocksWith(1, 3, 0, 30)).toEqual([]);
    expect(index.blocksWith(2, 3, 0, 1000)).toEqual([]);
  });

  test('needs the log from the first block that is young enough', () => {
    const index = new LogIndex(1, 100);
    expect(index.startLsn).toBeUndefined();
    indexed(
      [1, 2, 1].map((stream) => ({ stream, slot: 0, gap: 10 })),
      index,
    );
    expect(index.startLsn).toBe(100);
    index.trim(11);
    expect(index.startLsn).toBe(200);
    expect(index.lastTrimmed(1)).toMatchObject({ lastSequence: 10, lastTimeMs: 10 });
    expect(index.lastTrimmed(2)).toBeUndefined();
    index.trim(31);
    expect(index.startLsn).toBeUndefined();
    expect(index.lastTrimmed(1)).toMatchObject({ lastSequence: 30 });
  });
});

describe('recent changes', () => {
  test('are all there from where they say so, or refused', () => {
    fc.assert(
      fc.property(changes, fc.nat(200), fc.integer({ min: 1, max: 200 }), (program, from, bytesMax) => {
        const recent = new RecentChanges(1, { bytesMax, countMax: 20 });
        let sequence = 0;
        const all = program.map(({ stream, slot, gap }) => {
          sequence += gap;
          recent.add(changeOf(stream, slot, sequence));
          return { stream, slot, sequence };
        });
        for (const { stream, slot } of all) {
          const found = recent.from(stream, slot, from);
          const wanted = all.filter((of) => of.stream === stream && of.slot === slot && of.sequence >= from);
          if (found === undefined) continue;
          const copies = Array.from(found, ({ sequence: number, newImage }) => ({
            number,
            image: newImage && { json: newImage.json.toString(), size: newImage.size },
          }));
          const images = wanted.map(({ sequence: number }) => {
            const { json, size } = imageOf(number);
            return { number, image: { json: json.toString(), size } };
          });
          expect(copies).toEqual(images);
        }
        const last = all.at(-1);
        if (last === undefined) return;
        const isKept = imageOf(last.sequence).json.length <= bytesMax;
        expect(recent.from(last.stream, last.slot, last.sequence) !== undefined).toBe(isKept);
      }),
    );
  });

  test('of before they were gathered are not known', () => {
    const recent = new RecentChanges(5);
    expect(recent.from(1, 0, 4)).toBeUndefined();
    expect(recent.from(1, 0, 5)).toEqual([]);
  });
});

describe('the shards of a stream', () => {
  const hourMs = 3_600_000;

  test('roll when they are old enough', () => {
    const stream = streamOf(1, [{ sequence: 1, timeMs: 0 }]);
    expect(isDueToRoll(stream, hourMs, hourMs - 1)).toBe(false);
    expect(isDueToRoll(stream, hourMs, hourMs)).toBe(true);
  });

  test('wait when there are too many, until the oldest can go', () => {
    let stream = streamOf(1, [{ sequence: 1, timeMs: 1 }]);
    let timeMs = 1;
    while (isDueToRoll(stream, 1, ++timeMs)) stream = rolled(stream, { sequence: timeMs, timeMs });
    expect(stream.generations).toHaveLength(generationsMax);
    const oldestEndMs = stream.generations[1]?.timeMs ?? 0;
    expect(isDueToRoll(stream, 1, oldestEndMs + retentionMs - 1)).toBe(false);
    expect(isDueToRoll(stream, 1, oldestEndMs + retentionMs)).toBe(true);
    const after = rolled(stream, { sequence: 5_000, timeMs: oldestEndMs + retentionMs });
    expect(after.generations).toHaveLength(generationsMax);
  });
});

test('sequence numbers come back, and sort as text', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
      expect(sequenceNumber(a)).toMatch(/^\d{21}$/);
      expect(parseSequenceNumber(sequenceNumber(a))).toBe(a);
      expect(sequenceNumber(a) < sequenceNumber(b)).toBe(a < b);
    }),
  );
  expect(parseSequenceNumber('9'.repeat(40))).toBe(Number.MAX_SAFE_INTEGER);
  expect(parseSequenceNumber('0'.repeat(21))).toBe(0);
  expect(parseSequenceNumber('x')).toBeUndefined();
});
