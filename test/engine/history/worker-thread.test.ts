import { describe, expect, test } from 'vitest';
import { runInWorker, type WorkerOptions } from '../../../engine/history/worker-thread.ts';
import { LogDamagedError } from '../../../engine/log/errors.ts';

const module = new URL('./echo-worker.js', import.meta.url);

function run(request: object, options?: WorkerOptions<unknown>): Promise<unknown> {
  return runInWorker(module, request, options);
}

describe('a worker thread', () => {
  test('answers its request', async () => {
    expect(await run({ job: 'echo', value: [1, 'two', { three: 3 }] })).toEqual({
      value: [1, 'two', { three: 3 }],
    });
  });

  test('sends messages, and waits until each is dealt with', async () => {
    const got: unknown[] = [];
    let atOnce = 0;
    const onMessage = async (message: unknown) => {
      expect(++atOnce).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      got.push(message);
      atOnce--;
    };
    expect(await run({ job: 'count', to: 20 }, { onMessage })).toBe(20);
    expect(got).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  test('gets answers to what it sends', async () => {
    const options = { onMessage: async (message: unknown) => `${message}!` };
    const answers = runInWorker(module, { job: 'ask', questions: ['a', 'b'] }, options);
    expect(await answers).toEqual(['a!', 'b!']);
  });

  test('gives bytes away', async () => {
    const got: unknown[] = [];
    const left = await run({ job: 'give', bytes: 1000 }, { onMessage: (message) => void got.push(message) });
    expect(left).toBe(0);
    expect(got).toEqual([new Uint8Array(1000).fill(7)]);
  });

  test('throws what the job throws, class and properties included', async () => {
    const damage = run({ job: 'damage' });
    await expect(damage).rejects.toBeInstanceOf(LogDamagedError);
    await expect(damage).rejects.toMatchObject({
      name: 'LogDamagedError',
      file: '/log/1.log',
      offset: 64,
      message: '/log/1.log: damaged at offset 64: no valid batch header',
    });
    await expect(run({ job: 'system' })).rejects.toMatchObject({ message: 'no space left', code: 'ENOSPC' });
  });

  test('that breaks outside its job is an error', async () => {
    await expect(run({ job: 'crash' })).rejects.toThrow('out of nowhere');
    await expect(run({ job: 'exit' })).rejects.toThrow('code 3');
  });

  test('ends with the reason of an abort', async () => {
    const aborter = new AbortController();
    const reason = new Error('the engine is closing');
    const options = { signal: aborter.signal, onMessage: () => aborter.abort(reason) };
    await expect(run({ job: 'untilAborted' }, options)).rejects.toBe(reason);
    await expect(run({ job: 'echo' }, options)).rejects.toBe(reason);
  });

  test('is aborted by a message that cannot be dealt with', async () => {
    const failure = new Error('the disk is full');
    const onMessage = () => Promise.reject(failure);
    await expect(run({ job: 'count', to: 5 }, { onMessage })).rejects.toBe(failure);
    await expect(run({ job: 'untilAborted' }, { onMessage })).rejects.toBe(failure);
  });
});
