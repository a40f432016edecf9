import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';

/** AWS: InputCompressionType. */
export type Compression = 'NONE' | 'GZIP' | 'ZSTD';

/**
 * The content of a file. Of zstd, checksums are not looked at: Node has it only from 22.15 on, and what stands in for it here does not
 * check them.
 * @throws Error while iterating where the file is not compressed in that way, is damaged or ends too early
 */
export function decompressed(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncIterable<Uint8Array> {
  switch (compression) {
    case 'NONE':
      return source;
    case 'GZIP':
      return gunzipped(source);
    case 'ZSTD':
      return unzstandarded(source);
  }
}

async function* gunzipped(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const input = Readable.from(source, { objectMode: false });
  const gunzip = createGunzip();
  input.on('error', (error) => gunzip.destroy(error));
  input.pipe(gunzip);
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } finally {
    input.destroy();
  }
}

async function* unzstandarded(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let blocks: Uint8Array[] = [];
  const zstd = new Decompress((block) => void blocks.push(block));
  let hasBegun = false;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += zstdSliceBytes) {
      // It keeps what it cannot use yet.
      zstd.push(Uint8Array.from(chunk.subarray(at, at + zstdSliceBytes)));
      hasBegun = true;
      yield* blocks;
      blocks = [];
    }
  }
  if (!hasBegun) return;
  zstd.push(new Uint8Array(0), true);
  yield* blocks;
}

/** So much can stand for 32 MB: a block of 128 kB that is one byte again and again has four. */
const zstdSliceBytes = 1024;
