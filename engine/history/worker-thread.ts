import { type MessagePort, parentPort, type Transferable, Worker, workerData } from 'node:worker_threads';
import { LogDamagedError, LogFormatError } from '../log/errors.ts';
import { StateDamagedError } from '../state/layout.ts';
import { ArchiveDamagedError, ArchiveFormatError } from './archive-format.ts';

/*
 * Long work, away from the thread that serves. A worker does one job: its request is there when it starts, what it sends meanwhile
 * is answered when it has been dealt with, and its result or error is its last word.
 *
 *     runInWorker(module, request) --- request ---> serveWorker(job)
 *         onMessage <------------------ message --- context.send       (resolves with what onMessage answers)
 *         signal -------------------------------> context.signal
 *         result, error <-------------------------- the job's end
 *
 * Invariants
 *
 * 1. `runInWorker` settles when the thread is gone: its files are closed, and what it had to remove is removed.
 * 2. A worker is never killed: an abort asks it to stop, and it ends once it has. (LMDB does not bear a thread that is torn out of
 *    it.)
 * 3. After an abort the outcome is the signal's reason, whatever the job has made of it.
 * 4. A message that fails to be dealt with aborts the job, and is the outcome.
 */

export interface WorkerOptions<Message, Answer = void> {
  /** Deals with what the job sends: one message after the other where the job waits for each. */
  readonly onMessage?: ((message: Message) => Answer | Promise<Answer>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What of the request is given away instead of copied. */
  readonly transfer?: readonly Transferable[];
}

/** The job's side. */
export interface WorkerContext<Message, Answer = void> {
  /**
   * Resolves when the other side has dealt with it: to wait for that bounds what is under way. Rejects after an abort.
   * @param transfer what of the message is given away instead of copied.
   */
  send(message: Message, transfer?: readonly Transferable[]): Promise<Answer>;
  /** Aborted when the work is not wanted any more: the job cleans up and throws. */
  readonly signal: AbortSignal;
}

export type WorkerJob<Request, Message, Result, Answer = void> = (
  request: Request,
  context: WorkerContext<Message, Answer>,
) => Promise<Result>;

/**
 * Runs the job of a module in a thread of its own. Request, messages, answers and result are copied (structured clone): plain data; bytes
 * arrive as Uint8Array.
 * @param module without its extension, `new URL('./snapshot-worker', import.meta.url)`, or a `.js` file; it calls `serveWorker`.
 * @throws what the job throws, with its name, message and properties, of its class where that is in `errorClasses`; the signal's
 * reason after an abort.
 */
export async function runInWorker<Request, Message, Result, Answer = void>(
  module: URL,
  request: Request,
  { onMessage, signal, transfer = [] }: WorkerOptions<Message, Answer> = {},
): Promise<Result> {
  signal?.throwIfAborted();
  const worker = new Worker(runnable(module), { workerData: request, transferList: [...transfer] });
  const abort = () => worker.postMessage({ kind: 'abort' } satisfies ToWorker<never>);
  signal?.addEventListener('abort', abort);
  try {
    const outcome = await outcomeOf<Message, Result, Answer>(worker, onMessage, abort);
    signal?.throwIfAborted();
    if ('error' in outcome) throw outcome.error;
    return outcome.result;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Awaited by the module of a worker, once, below its constants. */
export async function serveWorker<Request, Message, Result, Answer = void>(
  job: WorkerJob<Request, Message, Result, Answer>,
): Promise<void> {
  if (parentPort === null) throw new Error('this module runs in a worker thread only');
  const port = new JobPort<Message, Answer>(parentPort);
  try {
    port.end({ kind: 'result', result: await job(workerData as Request, port) });
  } catch (error) {
    port.end({ kind: 'error', error: plainError(error) });
  }
}

type ToWorker<Answer> =
  | { readonly kind: 'abort' }
  | { readonly kind: 'answer'; readonly number: number; readonly answer: Answer };

type FromWorker<Message, Result> =
  | { readonly kind: 'message'; readonly number: number; readonly message: Message }
  | { readonly kind: 'result'; readonly result: Result }
  | { readonly kind: 'error'; readonly error: PlainError };

type Outcome<Result> = { readonly result: Result } | { readonly error: unknown };

class JobPort<Message, Answer> implements WorkerContext<Message, Answer> {
  readonly #port: MessagePort;
  readonly #aborter = new AbortController();
  /** Messages that the other side has not dealt with, by their numbers. */
  readonly #waiting = new Map<
    number,
    { readonly resolve: (answer: Answer) => void; readonly reject: (reason: unknown) => void }
  >();
  #sentCount = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: ToWorker<Answer>) => {
      if (message.kind === 'abort') this.#abort();
      else this.#answered(message.number, message.answer);
    });
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  send(message: Message, transfer: readonly Transferable[] = []): Promise<Answer> {
    if (this.signal.aborted) return Promise.reject(this.signal.reason);
    const number = this.#sentCount++;
    const answered = new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
    });
    // A job that does not wait learns of an abort by the signal.
    answered.catch(() => {});
    const posted: FromWorker<Message, never> = { kind: 'message', number, message };
    this.#port.postMessage(posted, transfer);
    return answered;
  }

  /** With the port closed nothing keeps the thread. */
  end(outcome: FromWorker<Message, unknown>): void {
    this.#port.postMessage(outcome);
    this.#port.close();
  }

  #abort(): void {
    this.#aborter.abort();
    for (const { reject } of this.#waiting.values()) reject(this.signal.reason);
    this.#waiting.clear();
  }

  #answered(number: number, answer: Answer): void {
    this.#waiting.get(number)?.resolve(answer);
    this.#waiting.delete(number);
  }
}

/** Waits for the end of the thread. */
function outcomeOf<Message, Result, Answer>(
  worker: Worker,
  onMessage: WorkerOptions<Message, Answer>['onMessage'],
  abort: () => void,
): Promise<Outcome<Result>> {
  return new Promise((resolve) => {
    let outcome: Outcome<Result> | undefined;
    const fail = (error: unknown) => {
      outcome ??= { error };
    };
    const deal = async (number: number, message: Message) => {
      try {
        const answer = await onMessage?.(message);
        worker.postMessage({ kind: 'answer', number, answer } satisfies ToWorker<Answer | undefined>);
      } catch (error) {
        fail(error);
        abort();
      }
    };
    worker.on('message', (sent: FromWorker<Message, Result>) => {
      if (sent.kind === 'message') void deal(sent.number, sent.message);
      else if (sent.kind === 'error') fail(revivedError(sent.error));
      else outcome ??= { result: sent.result };
    });
    worker.on('error', fail);
    worker.on('messageerror', fail);
    worker.on('exit', (code) => {
      resolve(outcome ?? { error: new Error(`a worker thread has ended with code ${code} before its work`) });
    });
  });
}

/**
 * Node runs no TypeScript in threads in all versions that we know, so a program that runs from its sources takes its workers from the
 * build in `dist/`.
 */
function runnable(module: URL): URL {
  if (module.pathname.endsWith('.js')) return module;
  if (!import.meta.url.endsWith('.ts')) return new URL(`${module.href}.js`);
  const root = new URL('../../', import.meta.url).href;
  return new URL(`dist/${module.href.slice(root.length)}.js`, root);
}

/** An error on its way between threads, where classes are lost. */
interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** What else it has of its own: `code`, `file`, `offset`. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Those that a caller tells apart by `instanceof`. */
const errorClasses = new Map<string, { readonly prototype: Error }>(
  Object.entries({
    ArchiveDamagedError,
    ArchiveFormatError,
    LogDamagedError,
    LogFormatError,
    StateDamagedError,
  }),
);

function plainError(error: unknown): PlainError {
  if (!(error instanceof Error))
    return { name: 'Error', message: String(error), stack: undefined, properties: {} };
  const { name, message, stack } = error;
  const simple = Object.entries(error).filter(([, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  );
  return { name, message, stack, properties: Object.fromEntries(simple) };
}

function revivedError({ name, message, stack, properties }: PlainError): Error {
  const error = new Error(message);
  const known = errorClasses.get(name);
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype);
  if (stack !== undefined) error.stack = stack;
  return Object.assign(error, { name }, properties);
}
