import { on } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import type { LoadedRow } from '../history/load-plan.ts';

/*
 * Rows on their way from one thread to another, in blocks that are given away instead of copied. The receiver asks for each block, so at
 * most `blocksAsked` are under way.
 *
 *     receiver --- more ---> sender
 *              <-- block --
 *              <-- end, or what has gone wrong
 *
 * In a block, one row behind the other: length of the key u16, size of the item u32, length of its JSON u32, key, JSON. The size is
 * `noItem` for a row without an item.
 */

type Sent =
  | { readonly kind: 'block'; readonly block: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Sends rows until there are no more, or nobody asks any more. What goes wrong with the rows, the receiver is told.
 * @param port one end of a channel, used for nothing else; closed at the end.
 * @param rows in batches of a megabyte or so.
 */
export async function feedRows(port: MessagePort, rows: AsyncIterable<readonly LoadedRow[]>): Promise<void> {
  const asked = on(port, 'message', untilClosed);
  try {
    for await (const batch of rows) {
      const { done } = await asked.next();
      if (done === true) return;
      const block = pack(batch);
      port.postMessage({ kind: 'block', block } satisfies Sent, [block.buffer]);
    }
    port.postMessage({ kind: 'end' } satisfies Sent);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ kind: 'failed', message } satisfies Sent);
  } finally {
    port.close();
  }
}

/**
 * The rows that `feedRows` sends into the other end.
 * @param signal ends the waiting for a sender that sends nothing.
 * @throws Error while iterating where the sender has failed, or is gone before the end, and after an abort.
 */
export async function* fedRows(port: MessagePort, signal: AbortSignal): AsyncGenerator<LoadedRow[], void> {
  const received = on(port, 'message', { ...untilClosed, signal });
  try {
    for (let i = 0; i < blocksAsked; i++) port.postMessage('more');
    for await (const [sent] of received as AsyncIterable<[Sent]>) {
      if (sent.kind === 'end') return;
      if (sent.kind === 'failed') throw new Error(sent.message);
      port.postMessage('more');
      yield unpack(sent.block);
    }
    throw new Error('the rows end before their end');
  } finally {
    port.close();
  }
}

const blocksAsked = 2;

const untilClosed = { close: ['close'] };

function pack(rows: readonly LoadedRow[]): Uint8Array<ArrayBuffer> {
  let bytes = 0;
  for (const { key, image } of rows) bytes += rowHeaderBytes + key.length + (image?.json.length ?? 0);
  const block = Buffer.from(new ArrayBuffer(bytes));
  let at = 0;
  for (const { key, image } of rows) {
    block.writeUInt16LE(key.length, at);
    block.writeUInt32LE(image?.size ?? noItem, at + 2);
    block.writeUInt32LE(image?.json.length ?? 0, at + 6);
    at += rowHeaderBytes;
    at += block.write(key, at, 'latin1');
    if (image === undefined) continue;
    block.set(image.json, at);
    at += image.json.length;
  }
  return block;
}

function unpack({ buffer }: Uint8Array<ArrayBuffer>): LoadedRow[] {
  const block = Buffer.from(buffer);
  const rows: LoadedRow[] = [];
  let at = 0;
  while (at < block.length) {
    const keyStart = at + rowHeaderBytes;
    const jsonStart = keyStart + block.readUInt16LE(at);
    const size = block.readUInt32LE(at + 2);
    const end = jsonStart + block.readUInt32LE(at + 6);
    const key = block.toString('latin1', keyStart, jsonStart);
    rows.push({ key, image: size === noItem ? undefined : { size, json: block.subarray(jsonStart, end) } });
    at = end;
  }
  return rows;
}

const rowHeaderBytes = 10;
const noItem = 0xffffffff;
