import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import type { LoadedRow } from '../../../engine/history/load-plan.ts';
import { fedRows, feedRows } from '../../../engine/loading/row-feed.ts';
import { each } from './loading-harness.ts';

function row(key: string, json?: string): LoadedRow {
  return { key, image: json === undefined ? undefined : { json: Buffer.from(json), size: json.length } };
}

async function all(rows: AsyncIterable<LoadedRow[]>): Promise<LoadedRow[][]> {
  const batches: LoadedRow[][] = [];
  for await (const batch of rows) batches.push(batch);
  return batches;
}

const { signal } = new AbortController();

describe('rows that go from thread to thread', () => {
  test('arrive as they were, in their order, and then the end', async () => {
    const batches = [
      [row('a', '{}'), row('\0\x7f\xff', '{"p":{"S":"ö"}}'), row('a')],
      [],
      [row('k'.repeat(3082), 'x'.repeat(400_000))],
    ];
    const { port1, port2 } = new MessageChannel();
    const fed = feedRows(port1, each(batches));
    expect(await all(fedRows(port2, signal))).toEqual(batches);
    await fed;
  });

  test('are asked for: a sender is two batches ahead at most', async () => {
    let sent = 0;
    async function* counted(): AsyncGenerator<LoadedRow[], void> {
      for (; sent < 100; sent++) yield [row(`${sent}`, '{}')];
    }
    const { port1, port2 } = new MessageChannel();
    const fed = feedRows(port1, counted());
    let received = 0;
    for await (const [first] of fedRows(port2, signal)) {
      expect(first?.key).toBe(`${received++}`);
      await new Promise((resolve) => setImmediate(resolve));
      expect(sent).toBeLessThanOrEqual(received + 2);
    }
    expect(received).toBe(100);
    await fed;
  });

  test('end with what has gone wrong', async () => {
    async function* failing(): AsyncGenerator<LoadedRow[], void> {
      yield [row('a', '{}')];
      throw new Error('cannot read the rest');
    }
    const { port1, port2 } = new MessageChannel();
    void feedRows(port1, failing());
    await expect(all(fedRows(port2, signal))).rejects.toThrow('cannot read the rest');
  });

  test('are not taken for whole where their sender is gone', async () => {
    const { port1, port2 } = new MessageChannel();
    const rows = all(fedRows(port2, signal));
    await once(port1, 'message');
    port1.close();
    await expect(rows).rejects.toThrow('the rows end before their end');
  });

  test('are not waited for after an abort', async () => {
    const { port1, port2 } = new MessageChannel();
    const aborter = new AbortController();
    const rows = all(fedRows(port2, aborter.signal));
    await once(port1, 'message');
    aborter.abort();
    await expect(rows).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('are closed by a sender whose receiver is gone', async () => {
    let isClosed = false;
    async function* endless(): AsyncGenerator<LoadedRow[], void> {
      try {
        for (;;) yield [row('a', '{}')];
      } finally {
        isClosed = true;
      }
    }
    const { port1, port2 } = new MessageChannel();
    const fed = feedRows(port1, endless());
    for await (const _ of fedRows(port2, signal)) break;
    await fed;
    expect(isClosed).toBe(true);
  });
});
