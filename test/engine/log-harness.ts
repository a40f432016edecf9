import type { Files } from '../../engine/files.ts';
import { BatchEncoder, type Change, type LogEntry } from '../../engine/log/record.ts';
import { Log, type LogOptions } from '../../engine/log/segments.ts';

export const logDirectory = '/data/log';

/** Timers that run when the test says so. */
export class ManualTimers {
  readonly #waiting = new Set<() => void>();

  readonly set = (callback: () => void): (() => void) => {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  };

  get count(): number {
    return this.#waiting.size;
  }

  /** Lets the time of all that wait now come. */
  fire(): void {
    const due = [...this.#waiting];
    this.#waiting.clear();
    for (const callback of due) callback();
  }
}

export interface OpenedLog {
  readonly log: Log;
  /** What was replayed, each batch with its end. */
  readonly replayed: { readonly entries: LogEntry[]; readonly endLsn: number }[];
}

export async function openLog(files: Files, options: Partial<LogOptions> = {}): Promise<OpenedLog> {
  const replayed: OpenedLog['replayed'] = [];
  const log = await Log.open(
    {
      files,
      directory: logDirectory,
      segmentBytesMax: 4096,
      appliedTo: 0,
      syncMode: 'group',
      idleMarkMs: 1000,
      zeroAheadBytes: 2048,
      setTimer: new ManualTimers().set,
      onFatal: (error) => {
        throw error;
      },
      ...options,
    },
    (entries, endLsn) => {
      replayed.push({ entries, endLsn });
    },
  );
  return { log, replayed };
}

export function itemChange(key: string, bytes: number): Change {
  return { kind: 'item', table: 7, key, newImage: { json: Buffer.alloc(bytes, key), size: bytes } };
}

/** Appends one batch of one change per key, with the next free sequence numbers. */
export function appendKeys(
  log: Log,
  keys: readonly string[],
  bytes = 100,
): Promise<{ startLsn: number; endLsn: number }> {
  const encoder = new BatchEncoder();
  let sequence = Math.max(1, log.nextSequence);
  for (const key of keys) {
    encoder.add({ firstSequence: sequence++, timeMs: log.lastTimeMs + 1, changes: [itemChange(key, bytes)] });
  }
  return log.append(encoder);
}

/** The keys of all changes, in their order. */
export function keysOf(entries: readonly LogEntry[]): string[] {
  return entries.flatMap(({ changes }) =>
    changes.map((change) => (change.kind === 'item' ? change.key : change.json)),
  );
}
