import type { TableDefinition, TableStream } from '../table-definition.ts';
import {
  arnOf,
  isReadable,
  type LogMoment,
  labelAt,
  newStream,
  rolled,
  type StreamDefinition,
  streamArn,
} from './definition.ts';

/** The streams at one point of the log: what the catalog's records make of them. */
export class StreamRegister {
  readonly #byNumber = new Map<number, StreamDefinition>();
  readonly #byArn = new Map<string, StreamDefinition>();
  /** By the numbers of their tables; each in the order in which they were opened. */
  readonly #byTable = new Map<number, Map<number, StreamDefinition>>();
  /** By the numbers of their tables. */
  readonly #open = new Map<number, StreamDefinition>();
  /** Numbers of streams that have changed since they were last handed to LMDB; undefined in a copy, which nobody hands on. */
  readonly #changed: Set<number> | undefined;
  /** Numbers of streams handed to LMDB, which has not yet committed them. */
  readonly #applying = new Set<number>();

  private constructor(changed: Set<number> | undefined) {
    this.#changed = changed;
  }

  static empty(): StreamRegister {
    return new StreamRegister(new Set());
  }

  get isEmpty(): boolean {
    return this.#byNumber.size === 0;
  }

  all(): Iterable<StreamDefinition> {
    return this.#byNumber.values();
  }

  open(): Iterable<StreamDefinition> {
    return this.#open.values();
  }

  byArn(arn: string): StreamDefinition | undefined {
    return this.#byArn.get(arn);
  }

  /** @param table number of a table. */
  openOf(table: number): StreamDefinition | undefined {
    return this.#open.get(table);
  }

  /** The stream that a change of this table is in, wherever in the log it is. */
  streamAt(table: number, sequence: number): StreamDefinition | undefined {
    for (const stream of this.#byTable.get(table)?.values() ?? []) {
      if (sequence < stream.number) return undefined;
      if (stream.closed === undefined || sequence < stream.closed.sequence) return stream;
    }
    return undefined;
  }

  /** The label of a stream that is being opened; no stream of a table of this name has had it. */
  newLabel(region: string, tableName: string, timeMs: number): string {
    let labelMs = timeMs;
    while (this.#byArn.has(streamArn(region, tableName, labelAt(labelMs)))) labelMs++;
    return labelAt(labelMs);
  }

  /** Opens and closes what a new version of a table's definition opens and closes. */
  tableChanged(table: TableDefinition, at: LogMoment): void {
    this.#forget(at.timeMs);
    const open = this.#open.get(table.number);
    const wanted = recordedStream(table);
    if (open !== undefined && open.label !== wanted?.label) this.#close(open, at);
    if (wanted === undefined || open?.label === wanted.label) return;
    // On replay the stream may be here already: LMDB can be ahead of the position from which replay begins.
    if (this.#byArn.has(streamArn(table.region, table.name, wanted.label))) return;
    this.#set(newStream(table, wanted, at));
  }

  tableRemoved(table: number, at: LogMoment): void {
    this.#forget(at.timeMs);
    const open = this.#open.get(table);
    if (open !== undefined) this.#close(open, at);
  }

  /** Nothing happens where the stream is closed by then. */
  roll(number: number, at: LogMoment): void {
    const stream = this.#byNumber.get(number);
    const newest = stream?.generations.at(-1);
    if (stream === undefined || stream.closed !== undefined) return;
    if (newest === undefined || at.sequence > newest.sequence) this.#set(rolled(stream, at));
  }

  /** The rows that LMDB has to be given with the next commit. */
  startApplying(): Map<string, string | undefined> {
    for (const number of this.#changed ?? []) this.#applying.add(number);
    this.#changed?.clear();
    return new Map(
      Array.from(this.#applying, (number) => [rowOf(number), rowText(this.#byNumber.get(number))] as const),
    );
  }

  /** LMDB has committed what `startApplying` gave last. */
  applied(): void {
    this.#applying.clear();
  }

  /** @param rows those of LMDB that begin with `streamRowPrefix`. */
  restore(rows: Iterable<readonly [row: string, text: string]>): void {
    const streams = Array.from(rows, ([, text]) => JSON.parse(text) as StreamDefinition);
    for (const stream of streams.sort((a, b) => a.number - b.number)) this.#keep(stream);
  }

  copy(): StreamRegister {
    const copy = new StreamRegister(undefined);
    for (const stream of this.all()) copy.#keep(stream);
    return copy;
  }

  #close(stream: StreamDefinition, at: LogMoment): void {
    this.#set({ ...stream, closed: at });
  }

  #set(stream: StreamDefinition): void {
    this.#keep(stream);
    this.#changed?.add(stream.number);
  }

  #keep(stream: StreamDefinition): void {
    this.#byNumber.set(stream.number, stream);
    this.#byArn.set(arnOf(stream), stream);
    this.#ofTable(stream.tableNumber).set(stream.number, stream);
    if (stream.closed === undefined) this.#open.set(stream.tableNumber, stream);
    else if (this.#open.get(stream.tableNumber)?.number === stream.number)
      this.#open.delete(stream.tableNumber);
  }

  /** Lets go of the streams that nobody can read any more. */
  #forget(nowMs: number): void {
    for (const stream of this.#byNumber.values()) {
      if (isReadable(stream.closed, nowMs)) continue;
      this.#byNumber.delete(stream.number);
      this.#byArn.delete(arnOf(stream));
      this.#changed?.add(stream.number);
      const ofTable = this.#ofTable(stream.tableNumber);
      ofTable.delete(stream.number);
      if (ofTable.size === 0) this.#byTable.delete(stream.tableNumber);
    }
  }

  #ofTable(table: number): Map<number, StreamDefinition> {
    const streams = this.#byTable.get(table) ?? new Map<number, StreamDefinition>();
    this.#byTable.set(table, streams);
    return streams;
  }
}

export const streamRowPrefix = 'stream:';

function recordedStream({ status, stream }: TableDefinition): TableStream | undefined {
  if (stream === undefined || status === 'DELETING') return undefined;
  return stream.status === 'ENABLING' || stream.status === 'ENABLED' ? stream : undefined;
}

function rowOf(number: number): string {
  return `${streamRowPrefix}${number}`;
}

function rowText(stream: StreamDefinition | undefined): string | undefined {
  return stream === undefined ? undefined : JSON.stringify(stream);
}
