import { type Spread, spread } from './histogram.ts';

/** How far apart two turns of a server's event loop were, while it was measured, beyond what they are when it idles. */
export interface PausesMs {
  readonly p99: number;
  readonly max: number;
}

/** What a server's cache holds, and what that takes. */
export interface Holding {
  readonly row: string;
  readonly title: string;
  readonly entries: number;
  /** As the cache counts them against its bound. */
  readonly countedBytes: number;
  /** By which the process has grown since it was empty, as the system counts memory. */
  readonly residentBytes: number;
}

type Figures = ReadonlyMap<string, number>;

/** The timer by which the event loop is watched runs at this interval, and the metrics give the whole time between two runs. */
const WATCH_MS = 10;

/** Watches the pauses from now on. @param port of a server's administration. @returns ends it. */
export async function watchPauses(port: number): Promise<() => Promise<PausesMs>> {
  // Each look begins a new histogram.
  await look(port);
  return async () => {
    const figures = await look(port);
    return { p99: pauseMs(figures, 'p99'), max: pauseMs(figures, 'max') };
  };
}

/** Fills a server's cache. @param port of its administration, before it has anything. */
export async function watchFilling(
  port: number,
  { name, title }: { readonly name: string; readonly title: string },
  fill: () => Promise<void>,
): Promise<Holding> {
  const before = await look(port);
  await fill();
  const after = await look(port);
  const resident = (figures: Figures) => figure(figures, 'process_resident_memory_bytes');
  return {
    row: name,
    title,
    entries: figure(after, 'slipstream_cache_entries'),
    countedBytes: figure(after, 'slipstream_cache_bytes'),
    residentBytes: resident(after) - resident(before),
  };
}

/** @returns lines for people, or undefined where nothing was watched. */
export function renderHoldings(holdings: readonly Holding[]): string | undefined {
  if (holdings.length === 0) return undefined;
  const lines = holdings.map(({ title, entries, countedBytes, residentBytes }) => {
    const each = (bytes: number) => Math.round(bytes / entries).toLocaleString('en-US');
    return `  ${title}: ${entries.toLocaleString('en-US')} entries; bytes per entry: ${each(countedBytes)} counted, ${each(residentBytes)} by which the process grew`;
  });
  return ['Cached entries', ...lines].join('\n');
}

export interface PausesOfRow {
  readonly title: string;
  readonly connections: number;
  readonly pausesMs: PausesMs;
}

/** @returns lines for people, or undefined where nothing was watched. */
export function renderPauses(measured: readonly PausesOfRow[]): string | undefined {
  if (measured.length === 0) return undefined;
  const rows = new Map<string, PausesMs[]>();
  for (const { title, connections, pausesMs } of measured) {
    const row = `${title}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
    rows.set(row, [...(rows.get(row) ?? []), pausesMs]);
  }
  const lines = [...rows].map(([row, pauses]) => {
    const ms = (of: keyof PausesMs) => range(spread(pauses.map((each) => each[of])));
    return `  ${row}: p99 ${ms('p99')}, longest ${ms('max')}`;
  });
  return ['Event-loop pauses in ms, medians of the rounds (min..max)', ...lines].join('\n');
}

function range({ median, min, max }: Spread): string {
  return `${median.toFixed(1)} (${min.toFixed(1)}..${max.toFixed(1)})`;
}

function pauseMs(figures: Figures, which: keyof PausesMs): number {
  return Math.max(0, figure(figures, `nodejs_eventloop_lag_${which}_seconds`) * 1_000 - WATCH_MS);
}

function figure(figures: Figures, name: string): number {
  const value = figures.get(name);
  if (value === undefined) throw new Error(`the metrics have no ${name}`);
  return value;
}

/** The metrics that have no labels. */
async function look(port: number): Promise<Figures> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`the metrics were answered ${response.status}: ${text}`);
  return new Map([...text.matchAll(/^(\w+) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]));
}
