/**
 * What the clients of a fleet saw of a few keys, and what they must not have seen.
 *
 * Each write of a key has a number, greater than those of all writes of the key that were begun before; a key without
 * an item has the number of whatever deleted it. Whoever writes sees to it that the store takes numbers in their order
 * only (conditions, or one write at a time). So the store never goes back, and a read that shows a number lower than one that was
 * acknowledged before the read began is stale, since that acknowledgement at least.
 */
export class History {
  readonly #staleness = { quiet: new StalenessCounts(), fault: new StalenessCounts() };
  /** What was wrong, with what the clients did around it; the first ones only. */
  readonly problems: string[] = [];
  readonly #options: HistoryOptions;
  readonly #keys = new Map<string, KeyHistory>();
  readonly #faults: Fault[] = [];
  #reads = 0;
  #writes = 0;
  #problemCount = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** @param group the partition of the index that the item goes into; undefined where there is no item any more. */
  begin(key: string, proxy: string, group: string | undefined): Write {
    const { writes, log } = this.#of(key);
    const write = {
      key,
      proxy,
      group,
      number: writes.length,
      beganMs: performance.now(),
      acknowledgedMs: undefined,
    };
    writes.push(write);
    this.#writes++;
    log.add(`begin ${write.number} (${group ?? 'delete'}) through ${proxy}`);
    return write;
  }

  acknowledge(write: Write): void {
    const { acknowledged, log } = this.#of(write.key);
    write.acknowledgedMs = performance.now();
    acknowledged.set(write.proxy, Math.max(acknowledged.get(write.proxy) ?? 0, write.number));
    log.add(`acknowledged ${write.number}`);
  }

  /** Refused, or not answered: it may have been done all the same, or may be done later. */
  lose(write: Write, reason: string): void {
    this.#of(write.key).log.add(`lost ${write.number}: ${reason}`);
  }

  beginRead(keys: readonly string[], proxy: string): Read {
    const own = keys.map((key) => this.#of(key).acknowledged.get(proxy) ?? 0);
    const any = keys.map((key) => Math.max(0, ...this.#of(key).acknowledged.values()));
    return { keys, proxy, own, any, beganMs: performance.now() };
  }

  /** @param found the numbers of the items that the answer shows, by key. */
  endRead(read: Read, view: View, found: ReadonlyMap<string, number>): void {
    this.#reads++;
    for (const [i, key] of read.keys.entries()) {
      const number = found.get(key) ?? this.#numberUnseen(key, view);
      const what = `${view.name} through ${read.proxy}: ${found.has(key) ? number : `nothing, so ${number}`}`;
      const { log, writes } = this.#of(key);
      log.add(`${what}, asked at ${Math.round(read.beganMs)}`);
      const write = writes[number];
      if (write === undefined || (found.has(key) && !view.shows(write)))
        this.complain(`${what} was never written so`, key);
      if (view.readsOwnWrites && number < (read.own[i] ?? 0))
        this.complain(`${what} is older than its own ${read.own[i]}`, key);
      if (number < (read.any[i] ?? 0)) this.#addStale(read, key, number, what);
      else this.#countFresh(read.beganMs);
    }
  }

  /** Staleness is not bounded until the end, if an acknowledgement, the read or what lies between them falls into it. */
  beginFault(name: string): () => void {
    const fault: Fault = { name, beganMs: performance.now(), endedMs: Infinity };
    this.#faults.push(fault);
    return () => {
      fault.endedMs = performance.now();
    };
  }

  complain(problem: string, key: string): void {
    this.#problemCount++;
    if (this.problems.length >= problemsMax) return;
    const faults = this.#faults.map((each) => `${each.name} ${ms(each.beganMs)}-${ms(each.endedMs)}`);
    this.problems.push(`${key}: ${problem}\n  faults: ${faults}\n  ${this.#of(key).log.lines.join('\n  ')}`);
  }

  print(): string {
    const { quiet, fault } = this.#staleness;
    return (
      `${this.#reads} reads, ${this.#writes} writes, ${this.#problemCount} problems; how stale the items were that reads showed:\n` +
      `  while all is well  ${quiet.print()}\n  beside faults      ${fault.print()}`
    );
  }

  /** Whoever has read nothing of the key has read what the last write made of it that may have been done, and hides it. */
  #numberUnseen(key: string, view: View): number {
    return Math.max(
      0,
      this.#of(key).writes.findLastIndex((write) => !view.shows(write)),
    );
  }

  #addStale({ beganMs }: Read, key: string, number: number, what: string): void {
    const newer = this.#of(key).writes.slice(number + 1);
    const sinceMs = Math.min(...newer.map(({ acknowledgedMs }) => acknowledgedMs ?? Infinity));
    const staleMs = beganMs - sinceMs;
    const isFault = this.#faults.some((fault) => fault.beganMs <= beganMs && sinceMs <= fault.endedMs);
    this.#staleness[isFault ? 'fault' : 'quiet'].add(staleMs);
    if (!isFault && staleMs > this.#options.staleMsMax)
      this.complain(`${what} has been stale for ${ms(staleMs)} ms`, key);
  }

  #countFresh(beganMs: number): void {
    const isFault = this.#faults.some((fault) => fault.beganMs <= beganMs && beganMs <= fault.endedMs);
    this.#staleness[isFault ? 'fault' : 'quiet'].add(0);
  }

  #of(key: string): KeyHistory {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const absent = { key, proxy: '', number: 0, group: undefined, beganMs: 0, acknowledgedMs: 0 };
    const history = { writes: [absent], acknowledged: new Map<string, number>(), log: new Log() };
    this.#keys.set(key, history);
    return history;
  }
}

export interface HistoryOptions {
  /** How stale a read may be while nothing is wrong. */
  readonly staleMsMax: number;
}

/** A kind of read. */
export interface View {
  readonly name: string;
  /** Whether it shows what the write left. */
  readonly shows: (write: Write) => boolean;
  /** False where the store itself may show less. */
  readonly readsOwnWrites: boolean;
}

export interface Write {
  readonly key: string;
  readonly proxy: string;
  readonly number: number;
  readonly group: string | undefined;
  readonly beganMs: number;
  acknowledgedMs: number | undefined;
}

export interface Read {
  readonly keys: readonly string[];
  readonly proxy: string;
  /** Of each key, the greatest number that was acknowledged as it began: through this proxy, and through any. */
  readonly own: readonly number[];
  readonly any: readonly number[];
  readonly beganMs: number;
}

/** How stale reads were: 0 for those that were not. */
class StalenessCounts {
  readonly #counts = boundsMs.map(() => 0);

  add(staleMs: number): void {
    const i = boundsMs.findIndex((boundMs) => staleMs <= boundMs);
    this.#counts[i] = (this.#counts[i] ?? 0) + 1;
  }

  print(): string {
    return boundsMs
      .map((boundMs, i) => `${boundMs === 0 ? 'fresh' : `<=${boundMs}ms`} ${this.#counts[i]}`)
      .join('  ');
  }
}

interface KeyHistory {
  /** By their numbers. */
  readonly writes: Write[];
  /** The greatest number that was acknowledged, by proxy. */
  readonly acknowledged: Map<string, number>;
  readonly log: Log;
}

interface Fault {
  readonly name: string;
  readonly beganMs: number;
  endedMs: number;
}

/** The last things that happened. */
class Log {
  readonly lines: string[] = [];

  add(line: string): void {
    this.lines.push(`${ms(performance.now())} ${line}`);
    if (this.lines.length > logLinesMax) this.lines.shift();
  }
}

const boundsMs = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, Infinity];
const problemsMax = 5;
const logLinesMax = 60;

function ms(timeMs: number): string {
  return timeMs.toFixed(1);
}
