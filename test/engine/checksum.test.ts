import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  crcStart,
  crcStep,
  crcStepOfBytes,
  crcStepOfText,
  crcStepOfUint32,
  overRow,
  restBytesMax,
} from '../../engine/state/checksum.ts';

const bytes = fc.uint8Array({ maxLength: 70 });

/** The checksum that a register stands for. */
function checksum(crc: number): number {
  return ~crc >>> 0;
}

describe('the checksum', () => {
  test("in steps of any kind is zlib's", () => {
    fc.assert(
      fc.property(bytes, fc.nat(70), fc.nat(0xffffffff), (all, cut, last) => {
        const split = Math.min(cut, all.length);
        const text = Buffer.from(all.subarray(0, split)).toString('latin1');
        const begun = crcStepOfBytes(crcStepOfText(crcStart, text), all, split, all.length);
        expect(checksum(begun)).toBe(crc32(all));
        const number = Buffer.alloc(4);
        number.writeUInt32BE(last);
        expect(checksum(crcStepOfUint32(begun, last))).toBe(crc32(number, crc32(all)));
        expect(checksum(crcStep(begun, last & 0xff))).toBe(crc32(number.subarray(3), crc32(all)));
      }),
    );
  });

  test('over rests of rows follows from the checksums of the rows', () => {
    const rest = fc.oneof(
      bytes,
      fc.uint8Array({ minLength: 125, maxLength: 135 }),
      fc.uint8Array({ minLength: restBytesMax - 1, maxLength: restBytesMax }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(bytes, rest), { maxLength: 8 }), (rows) => {
        let crc = crcStart;
        for (const [beginning, end] of rows) {
          const begun = crcStepOfBytes(crcStart, beginning, 0, beginning.length);
          crc = overRow(crc, begun, end.length, crc32(Buffer.concat([beginning, end])));
        }
        expect(checksum(crc)).toBe(crc32(Buffer.concat(rows.map(([, end]) => end))));
      }),
    );
  });
});
