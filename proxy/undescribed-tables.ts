import { DynamoDbError } from '../protocol/errors.ts';
import type { Logger } from '../protocol/logger.ts';

/** Names that are warned of; whoever calls chooses the names, and must not fill the log with them. */
const warningsMax = 1_000;

/** Tells the operator of tables that cannot be cached since the store does not describe them: reads work all the same. */
export class UndescribedTables {
  readonly #log: Logger | undefined;
  readonly #warned = new Set<string>();
  #count = 0;

  constructor(log: Logger | undefined) {
    this.#log = log;
  }

  /** How often a table that is there was not described, ever. */
  get count(): number {
    return this.#count;
  }

  /** @param error what the store answered instead of a description; undefined for one that says too little. */
  add(region: string, name: string, error: unknown): void {
    if (error instanceof DynamoDbError && error.code === 'ResourceNotFoundException') return;
    this.#count++;
    const asked = `${region}\n${name}`;
    if (this.#warned.has(asked) || this.#warned.size >= warningsMax) return;
    this.#warned.add(asked);
    const details = { table: name, region, ...(error === undefined ? {} : { err: error }) };
    this.#log?.warn(details, 'a table is not cached: DescribeTable did not describe it');
  }
}
