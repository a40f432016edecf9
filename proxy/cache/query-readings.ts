import { LRUCache } from 'lru-cache';
import type { Request } from '../../protocol/backend.ts';
import type { Table } from '../table-descriptions.ts';
import { type QueryCall, type QueryOperation, readQueryCall } from './query-call.ts';

/** What the readings of one operation may take in memory, everything counted. */
const readingsBytesMax = 8_000_000;
/** The longest request whose reading is remembered. */
const requestBytesMax = 4_096;
/** What a reading costs besides the request's text and the names in it. */
const readingBytes = 600;

/**
 * Reads requests of one operation, and remembers them by their bytes: applications send the same few over and over, and to
 * look one up costs a tenth of reading it.
 */
export class QueryReadings {
  readonly #operation: QueryOperation;
  readonly #readings = new LRUCache<string, QueryCall>({ maxSize: readingsBytesMax });

  constructor(operation: QueryOperation) {
    this.#operation = operation;
  }

  /**
   * @param table that the request names, as it is described now: a reading by another description counts for nothing.
   * @returns undefined for what the cache cannot answer.
   */
  read(table: Table, { input, body }: Request): QueryCall | undefined {
    const isRemembered = body !== undefined && body.length <= requestBytesMax;
    const text = isRemembered ? body.toString('latin1') : '';
    const known = isRemembered ? this.#readings.get(text) : undefined;
    if (known?.table === table) return known;
    const call = readQueryCall(this.#operation, table, input);
    if (call !== undefined && isRemembered) this.#readings.set(text, call, { size: bytesOf(text, call) });
    return call;
  }
}

function bytesOf(text: string, { name, generations }: QueryCall): number {
  return generations.reduce(
    (bytes, generation) => bytes + generation.length,
    text.length + name.length + readingBytes,
  );
}
