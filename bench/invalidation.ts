import { deepStrictEqual } from 'node:assert/strict';
import { Agent, type ClientRequest, request } from 'node:http';
import type { AttributeValue, Item } from '../protocol/attribute-value.ts';
import { LatencyRecorder, type LatencyUs } from './histogram.ts';
import { benchItem } from './item.ts';
import { requestHeaders } from './request.ts';

/** How soon one proxy of a fleet stops answering what has been overwritten through another one. */
export interface InvalidationDelay {
  readonly writes: number;
  /** Writes after whose acknowledgement a read was still answered with the old item. */
  readonly seenOld: number;
  /** From a write's acknowledgement to the last old answer to a read that was sent after it; 0 where there was none. */
  readonly delayUs: LatencyUs;
}

/**
 * Writes items one after the other through one proxy, and reads each through the other from before its write until the
 * new revision comes, in a closed loop on one connection.
 *
 * @param writerPort @param readerPort of two proxies that share a Redis, in front of a store with the table `items`.
 * @param revisionStart none of the following `writes` revisions was ever written.
 */
export async function measureInvalidation(
  writerPort: number,
  readerPort: number,
  writes: number,
  revisionStart: number,
): Promise<InvalidationDelay> {
  const writer = new Client(writerPort);
  const reader = new Client(readerPort);
  const recorder = new LatencyRecorder();
  let seenOld = 0;
  for (let number = 0; number < writes; number++) {
    const item = benchItem(number % KEYS, revisionStart + number);
    const delayMs = await oneDelayMs(writer, reader, item);
    if (delayMs > 0) seenOld++;
    recorder.record(delayMs);
  }
  writer.close();
  reader.close();
  return { writes, seenOld, delayUs: recorder.percentiles() };
}

export function renderInvalidation({ writes, seenOld, delayUs }: InvalidationDelay): string {
  const { p50, p99, max } = delayUs;
  const us = (value: number) => Math.round(value).toLocaleString('en-US');
  return [
    'Invalidation seen by another proxy, from the acknowledgement of a write to the last old answer',
    `  p50 ${us(p50)} us, p99 ${us(p99)} us, longest ${us(max)} us; ${seenOld} of ${writes} writes were followed by an old answer`,
  ].join('\n');
}

/** Each is written again and again. */
const KEYS = 100;
/** A reader that does not see a write by then never will. */
const SEEN_MS_MAX = 10_000;

async function oneDelayMs(writer: Client, reader: Client, item: Item): Promise<number> {
  const { pk, revision } = item;
  const input = { TableName: 'items', Key: { pk } };
  // The first read brings it into the reader's own cache, the second finds it there.
  await reader.call('GetItem', input);
  await reader.call('GetItem', input);
  let acknowledgedMs = Number.POSITIVE_INFINITY;
  const write = writer.call('PutItem', { TableName: 'items', Item: item }).then(() => {
    acknowledgedMs = performance.now();
  });
  let lastOldMs = 0;
  for (;;) {
    const sentMs = performance.now();
    const read = (await reader.call('GetItem', input)) as { Item?: Item };
    if (isSame(read.Item?.revision, revision)) break;
    if (sentMs > acknowledgedMs) lastOldMs = performance.now();
    if (sentMs > acknowledgedMs + SEEN_MS_MAX)
      throw new Error(`a write was not seen within ${SEEN_MS_MAX} ms`);
  }
  await write;
  return Math.max(0, lastOldMs - acknowledgedMs);
}

function isSame(a: AttributeValue | undefined, b: AttributeValue | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** One connection to a proxy. */
class Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async call(operation: string, input: Readonly<Record<string, unknown>>): Promise<unknown> {
    const body = JSON.stringify(input);
    const headers = { ...requestHeaders(operation, body), 'content-length': Buffer.byteLength(body) };
    const options = { agent: this.#agent, host: '127.0.0.1', port: this.#port, method: 'POST', headers };
    const { status, text } = await answerTo(request(options), body);
    deepStrictEqual(status, 200, text);
    return JSON.parse(text);
  }

  close(): void {
    this.#agent.destroy();
  }
}

function answerTo(sent: ClientRequest, body: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('error', reject).once('end', () => resolve({ status: response.statusCode, text }));
    });
    sent.end(body);
  });
}
