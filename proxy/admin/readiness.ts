import type { Backend } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';

/** How long an answer is good for: however often somebody asks, the store is asked once in this time. */
const freshMs = 1_000;
/** A store that takes longer is not there for callers either. */
const deadlineMs = 2_000;

/** Undefined: the server is ready; else why it is not. */
export type Verdict = string | undefined;

export interface ReadinessOptions {
  readonly backend: Backend;
  readonly region: string;
  /** Once it is, no new callers should come. */
  readonly isStopping: () => boolean;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/** Whether callers can be served: the store answers, be it with a refusal, and the server is not stopping. */
export class Readiness {
  readonly #options: ReadinessOptions;
  #last: { readonly askedAtMs: number; readonly verdict: Promise<Verdict> } | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  async check(): Promise<Verdict> {
    const { isStopping, nowMs } = this.#options;
    if (isStopping()) return 'the server is stopping';
    if (this.#last === undefined || nowMs() - this.#last.askedAtMs >= freshMs) {
      this.#last = { askedAtMs: nowMs(), verdict: this.#ask() };
    }
    return this.#last.verdict;
  }

  async #ask(): Promise<Verdict> {
    const { backend, region } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Verdict>((resolve) => {
      timer = setTimeout(() => resolve(`the store did not answer within ${deadlineMs} ms`), deadlineMs);
    });
    const answered = async (): Promise<Verdict> => {
      await backend.call({ operation: 'ListTables', input: { Limit: 1 }, region });
      return undefined;
    };
    const verdict = await Promise.race([answered().catch(verdictOf), late]);
    clearTimeout(timer);
    return verdict;
  }
}

/** A store that refuses the question is there: whether its callers may ask is between them and it. */
function verdictOf(error: unknown): Verdict {
  if (error instanceof DynamoDbError && error.status < 500) return undefined;
  return `the store cannot be reached: ${error instanceof Error ? error.message : String(error)}`;
}
