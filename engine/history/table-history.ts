import type { TableDefinition } from '../table-definition.ts';
import { WindowFiles } from './history-files.ts';

/** One window of a table, as the serving thread knows it. */
export class TableHistory {
  readonly files: WindowFiles;
  /** The enabling is in the log from there on; the first base begins there. */
  readonly enabledLsn: number;
  /** As it was committed last. */
  definition: TableDefinition;
  /** Whether the catalog has it; otherwise it is removed as soon as nobody reads it. */
  isKept = true;
  /** When the next base may be tried, in ms of the monotonic clock. */
  retryAtMs = 0;
  readonly #waiters = new Set<Waiter>();

  constructor(sequence: number, definition: TableDefinition, enabledLsn: number) {
    this.files = new WindowFiles({ sequence, table: definition.number });
    this.definition = definition;
    this.enabledLsn = enabledLsn;
  }

  get sequence(): number {
    return this.files.window.sequence;
  }

  get isWaitedFor(): boolean {
    return this.#waiters.size > 0;
  }

  /** Resolves with the next base. @throws what has kept it from being made */
  nextBase(): Promise<void> {
    this.retryAtMs = 0;
    return new Promise((resolve, reject) => this.#waiters.add({ resolve, reject }));
  }

  baseMade(): void {
    for (const { resolve } of this.#takeWaiters()) resolve();
  }

  baseFailed(error: unknown): void {
    for (const { reject } of this.#takeWaiters()) reject(error);
  }

  #takeWaiters(): Waiter[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    return waiters;
  }
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}
