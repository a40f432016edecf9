import { trimmedDataAccess } from '../../protocol/errors.ts';
import { ItemsJson } from '../../protocol/reply.ts';
import type { StreamChange } from './change.ts';
import { retentionMs, type StreamDefinition } from './definition.ts';
import { RecordPrinter } from './record.ts';

/** From where and how much of a shard is read. */
export interface PageRequest {
  /** Sequence number of the first change that is wanted. */
  readonly position: number;
  /** When what had been trimmed was skipped, in ms since 1970; undefined where nothing may be missing. */
  readonly horizonAtMs: number | undefined;
  /** Records, at most. */
  readonly limit: number;
  readonly nowMs: number;
}

/** The records of one answer of GetRecords, as they come in. */
export class RecordPage {
  readonly #printer: RecordPrinter;
  readonly #request: PageRequest;
  readonly #json: (string | Buffer)[] = [];
  #count = 0;
  #bytes = 0;
  /** Sequence number from which on the next page is. */
  next: number;

  constructor(stream: StreamDefinition, request: PageRequest) {
    this.#printer = new RecordPrinter(stream);
    this.#request = request;
    this.next = request.position;
  }

  /**
   * @returns whether there was room for it. What was trimmed is none of the page's; it takes no room.
   * @throws TrimmedDataAccessException if it was trimmed, and not when the reader began at the trim horizon.
   */
  add(change: StreamChange): boolean {
    if (!this.#isTrimmed(change) && !this.#print(change)) return false;
    this.next = change.sequence + 1;
    return true;
  }

  get records(): ItemsJson {
    return new ItemsJson(joined(['[', ...this.#json, ']']));
  }

  #print(change: StreamChange): boolean {
    if (this.#count >= this.#request.limit) return false;
    const { json, sizeBytes } = this.#printer.print(change);
    if (this.#count > 0 && this.#bytes + sizeBytes > pageBytesMax) return false;
    if (this.#count > 0) this.#json.push(',');
    this.#json.push(...json);
    this.#count++;
    this.#bytes += sizeBytes;
    return true;
  }

  #isTrimmed({ timeMs }: StreamChange): boolean {
    const { nowMs, horizonAtMs } = this.#request;
    if (timeMs > nowMs - retentionMs) return false;
    if (horizonAtMs === undefined || timeMs > horizonAtMs - retentionMs) throw trimmedDataAccess();
    return true;
  }
}

/** Of keys and images in one answer (AWS: API_streams_GetRecords); a single record may be larger. */
const pageBytesMax = 1024 * 1024;

function joined(parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}
