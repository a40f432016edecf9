// A job for worker-thread.test.ts: does what its request says.

import { serveWorker } from '../../../dist/engine/history/worker-thread.js';
import { LogDamagedError } from '../../../dist/engine/log/errors.js';

const jobs = {
  async echo({ value }) {
    return { value };
  },
  async count({ to }, { send }) {
    for (let i = 1; i <= to; i++) await send(i);
    return to;
  },
  async ask({ questions }, { send }) {
    return Promise.all(questions.map((question) => send(question)));
  },
  async damage() {
    throw new LogDamagedError('/log/1.log', 64, 'no valid batch header');
  },
  async system() {
    throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  },
  async crash() {
    setTimeout(() => {
      throw new TypeError('out of nowhere');
    });
    return new Promise(() => {});
  },
  async exit() {
    process.exit(3);
  },
  async untilAborted(_request, { send, signal }) {
    await send('waiting');
    await new Promise((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', resolve);
    });
    return 'a result after an abort';
  },
  async give({ bytes }, { send }) {
    const given = new Uint8Array(bytes).fill(7);
    await send(given, [given.buffer]);
    return given.byteLength;
  },
};

await serveWorker((request, context) =>
  jobs[request.job](request, { send: context.send.bind(context), signal: context.signal }),
);
