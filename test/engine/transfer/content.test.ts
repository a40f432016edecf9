import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Compression, decompressed } from '../../../engine/transfer/decompression.ts';
import { linesOf } from '../../../engine/transfer/lines.ts';

/* From the bytes of an object to its lines. */

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function linesIn(bytes: Uint8Array, size: number): Promise<string[]> {
  const found: string[] = [];
  for await (const lines of linesOf(pieces(bytes, size))) found.push(...lines);
  return found;
}

async function contentOf(bytes: Uint8Array, compression: Compression, size = 7): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of decompressed(pieces(bytes, size), compression)) parts.push(part);
  return `${Buffer.concat(parts)}`;
}

describe('lines', () => {
  test('are the same however the text is cut', async () => {
    const text = fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 8 }).map((parts) => parts.join('\n'));
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (written, size) => {
        const lines = written.split('\n');
        if (lines.at(-1) === '') lines.pop();
        expect(await linesIn(Buffer.from(written), size)).toEqual(lines);
      }),
    );
  });

  test('have an end', async () => {
    const reading = linesIn(Buffer.alloc(20 * 1024 * 1024, 'x'), 65_536);
    await expect(reading).rejects.toThrow('a line has more than 8388608 bytes');
  });
});

/** Of `one\n` and `two\n`, each a frame, made by zstd 1.5. */
const frames = Buffer.from('KLUv/QRYIQAAb25lCt8WaAkotS/9BFghAAB0d28KDy0E+Q==', 'base64');

describe('what is compressed', () => {
  test('with gzip is read, several members too', async () => {
    expect(await contentOf(Buffer.concat([gzipSync('one\n'), gzipSync('two\n')]), 'GZIP')).toBe('one\ntwo\n');
  });

  test('with zstd is read, several frames too', async () => {
    for (const size of [1, 5, 100]) expect(await contentOf(frames, 'ZSTD', size)).toBe('one\ntwo\n');
  });

  test('may be empty', async () => {
    expect(await contentOf(Buffer.alloc(0), 'NONE')).toBe('');
    expect(await contentOf(Buffer.alloc(0), 'ZSTD')).toBe('');
    expect(await contentOf(gzipSync(''), 'GZIP')).toBe('');
  });

  test.each(['GZIP', 'ZSTD'] as const)('in another way than %s is refused', async (compression) => {
    await expect(contentOf(Buffer.from('{"Item":{"p":{"S":"a"}}}\n'), compression)).rejects.toThrow();
  });

  test('and cut short is refused', async () => {
    const gzip = gzipSync('one\n'.repeat(100));
    await expect(contentOf(gzip.subarray(0, gzip.length - 9), 'GZIP')).rejects.toThrow();
    await expect(contentOf(frames.subarray(0, 8), 'ZSTD')).rejects.toThrow();
  });
});
