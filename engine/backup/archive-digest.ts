import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { runInWorker } from '../history/worker-thread.ts';
import type { ArchiveDigest } from './backup-manifest.ts';

/**
 * Reads a file to its end, in a thread of its own where that is worth one.
 * @throws if it cannot be read; the signal's reason
 */
export async function digestAside(path: string, signal: AbortSignal): Promise<ArchiveDigest> {
  const { size } = await stat(path);
  if (size <= digestHereBytesMax) return digestOf(path, signal);
  return runInWorker(new URL('./digest-worker', import.meta.url), path, { signal });
}

/** Reads a file to its end. @throws if it cannot be read; the signal's reason */
export async function digestOf(path: string, signal?: AbortSignal): Promise<ArchiveDigest> {
  const file = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(readBytes);
    let bytes = 0;
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, readBytes, bytes);
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** Takes some milliseconds, as starting a thread does. */
const digestHereBytesMax = 4 * 1024 * 1024;

const readBytes = 256 * 1024;
