import { idempotentParameterMismatch, throttling, transactionInProgress } from '../protocol/errors.ts';
import type { Reply } from '../protocol/reply.ts';
import type { MetaRows } from './state/store.ts';

/** A ClientRequestToken in the region that it was used in, and what it was used for. */
export interface TokenUse {
  readonly region: string;
  readonly token: string;
  /** Tells requests apart that ask for different things; without a slash. */
  readonly digest: string;
}

/** As the log has it. Regions are validated not to hold a slash, tokens may hold anything. */
export function tokenRecord({ region, token, digest }: TokenUse): string {
  return `${digest}/${region}/${token}`;
}

/**
 * The tokens of committed transactions, each for ten minutes, and of those under way (AWS: API_TransactWriteItems,
 * ClientRequestToken).
 *
 * Invariants
 *  1. A token is taken from the moment its request is seen until that request's fate is decided. So the commit queue
 *     never holds two transactions with one token, and what was found here still holds when the queue comes to it.
 *  2. A token is known as committed before its transaction is acknowledged: both happen in the turn that publishes it.
 *     A transaction that failed leaves nothing behind.
 *  3. The log and the rows of the checkpoint give the same tokens back after a restart: which ones have expired follows
 *     from commit times alone.
 *
 * Tokens are kept by the second of their commit and go a whole second at a time, so that neither a new one nor the
 * checkpoint costs more for how many there are. SDKs give every transaction a token: when there is no room for one
 * more, its transaction is refused. To forget the oldest instead would let a late repetition run twice.
 */
export class TransactionTokens {
  readonly #countMax: number;
  /** Digests by name. */
  readonly #committed = new Map<string, string>();
  readonly #inProgress = new Map<string, string>();
  /** The records of each second since 1970 that has any, oldest first. */
  readonly #seconds = new Map<number, string[]>();
  /** Seconds that have changed since they were last handed to LMDB. */
  readonly #changed = new Set<number>();
  /** Seconds handed to LMDB, which has not yet committed them. */
  readonly #applying = new Set<number>();

  /** @param countMax how many there may be, committed in the last ten minutes or under way. */
  constructor(countMax = tokensMax) {
    this.#countMax = countMax;
  }

  /**
   * Runs a transaction unless it has been committed under this token.
   * @param nowMs since 1970.
   * @param repeat answers for one that has been.
   * @throws IdempotentParameterMismatchException, TransactionInProgressException; ThrottlingException if there are
   *   too many tokens.
   */
  async once(use: TokenUse, nowMs: number, run: () => Promise<Reply>, repeat: () => Reply): Promise<Reply> {
    this.#expire(nowMs);
    const name = nameOf(tokenRecord(use));
    const committed = this.#committed.get(name);
    const digest = committed ?? this.#inProgress.get(name);
    if (digest !== undefined && digest !== use.digest) throw idempotentParameterMismatch();
    if (committed !== undefined) return repeat();
    if (digest !== undefined) throw transactionInProgress();
    if (this.#committed.size + this.#inProgress.size >= this.#countMax) throw throttling(tooManyTokens);
    this.#inProgress.set(name, use.digest);
    try {
      return await run();
    } finally {
      this.#inProgress.delete(name);
    }
  }

  /** A transaction with this `tokenRecord` has been committed. @param timeMs never less than for any before. */
  committed(record: string, timeMs: number): void {
    this.#expire(timeMs);
    this.#add(record, Math.floor(timeMs / 1000));
    this.#changed.add(Math.floor(timeMs / 1000));
  }

  /** The rows that LMDB has to be given with the next commit. */
  startApplying(): MetaRows {
    for (const second of this.#changed) this.#applying.add(second);
    this.#changed.clear();
    return new Map(
      Array.from(this.#applying, (second) => [rowOf(second), rowText(this.#seconds.get(second))] as const),
    );
  }

  /** LMDB has committed what `startApplying` gave last. */
  applied(): void {
    this.#applying.clear();
  }

  /** @param rows those of LMDB that begin with `tokenRowPrefix`, in the order of their names. */
  restore(rows: Iterable<readonly [row: string, text: string]>): void {
    for (const [row, text] of rows) {
      const second = Number(row.slice(tokenRowPrefix.length));
      for (const record of JSON.parse(text) as string[]) this.#add(record, second);
    }
  }

  #add(record: string, second: number): void {
    this.#committed.set(nameOf(record), digestOf(record));
    const records = this.#seconds.get(second);
    if (records === undefined) this.#seconds.set(second, [record]);
    else records.push(record);
  }

  #expire(nowMs: number): void {
    for (const [second, records] of this.#seconds) {
      if ((second + 1) * 1000 + tokenLifeMs > nowMs) return;
      for (const record of records) this.#committed.delete(nameOf(record));
      this.#seconds.delete(second);
      this.#changed.add(second);
    }
  }
}

export const tokenRowPrefix = 'token:';

const tokenLifeMs = 10 * 60 * 1000;

/** Some 200 bytes each. */
const tokensMax = 2_000_000;

const tooManyTokens = 'Too many transactions with a ClientRequestToken in ten minutes. Try again later.';

function digestOf(record: string): string {
  return record.slice(0, record.indexOf('/'));
}

/** The token with its region: it may be used in each one. */
function nameOf(record: string): string {
  return record.slice(record.indexOf('/') + 1);
}

/** Of one length, so that the rows are in the order of time. */
function rowOf(second: number): string {
  return `${tokenRowPrefix}${String(second).padStart(12, '0')}`;
}

function rowText(records: readonly string[] | undefined): string | undefined {
  return records === undefined ? undefined : JSON.stringify(records);
}
