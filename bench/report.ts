import { alignColumns, withRange } from './columns.ts';
import { type LatencyUs, percentileNames, type Spread, spread } from './histogram.ts';
import type { Measurement } from './rounds.ts';
import type { Measure, Scenario, Target } from './scenario.ts';

/** A row at one number of connections, over all rounds. */
export interface RowSummary {
  /** Its name and its title. */
  readonly scenario: string;
  readonly scenarioTitle: string;
  readonly row: string;
  readonly title: string;
  readonly connections: number;
  readonly requestsPerSecond: Spread;
  readonly itemMbPerSecond: Spread;
  readonly latencyUs: Readonly<Record<keyof LatencyUs, Spread>>;
  /** What was measured over what a reference had in the same round, by the reference's name. */
  readonly ratios: Readonly<Record<string, Readonly<Record<Measure, Spread>>>>;
  readonly serverCpuUs: Spread | undefined;
  readonly serverCores: Spread | undefined;
  readonly loadCores: Spread | undefined;
  readonly fromRedis: Spread | undefined;
}

export type Verdict = 'reached' | 'missed' | 'not measured';

export interface TargetResult extends Target {
  readonly measured: Spread | undefined;
  readonly verdict: Verdict;
}

/** From this share of a processor on, a process counts as what limits a row. */
const BUSY_CORES = 0.95;

/** So many connections keep a server at work that does not wait. */
const SATURATING_CONNECTIONS = 16;

/** @param connections as they are to be shown; undefined for those of the scenario. */
export function summarize(
  scenario: Scenario,
  connections: readonly number[] | undefined,
  measurements: readonly Measurement[],
): RowSummary[] {
  const rows = [...scenario.subjects, ...scenario.references];
  // The ceiling of the generator is nothing to be measured by.
  const references = scenario.references.map(({ name }) => name).filter((name) => name !== 'sockets');
  return (connections ?? scenario.connections).flatMap((count) => {
    const measured = measurements.filter((m) => m.scenario === scenario.name && m.connections === count);
    return rows.map(({ name, title }) => ({
      scenario: scenario.name,
      scenarioTitle: scenario.title,
      title,
      ...summarizeRow(name, count, references, measured),
    }));
  });
}

/** The verdict goes by the median of the rounds' ratios. */
export function judge(targets: readonly Target[], summaries: readonly RowSummary[]): TargetResult[] {
  return targets.map((target) => {
    const summary = summaries.find((s) => s.row === target.subject && s.connections === target.connections);
    const measured = summary?.ratios[target.reference]?.[target.measure];
    if (measured === undefined) return { ...target, measured, verdict: 'not measured' };
    const { median } = measured;
    const isReached = isLatency(target.measure) ? median <= target.ratio : median >= target.ratio;
    return { ...target, measured, verdict: isReached ? 'reached' : 'missed' };
  });
}

/** One table for each scenario and number of connections. */
export function renderTables(summaries: readonly RowSummary[]): string {
  const tables = new Map<string, RowSummary[]>();
  for (const summary of summaries) {
    const title = `${summary.scenarioTitle}, ${summary.connections} ${plural(summary.connections)}`;
    const rows = tables.get(title);
    if (rows === undefined) tables.set(title, [summary]);
    else rows.push(summary);
  }
  return [...tables].map(([title, rows]) => `${title}\n${renderTable(rows)}`).join('\n\n');
}

export function renderTargets(results: readonly TargetResult[]): string {
  const rows = results.map((result) => [
    `${result.subject}, ${result.connections} ${plural(result.connections)}`,
    isLatency(result.measure)
      ? `${result.measure} at most ${result.ratio} x ${result.reference}`
      : `requests/s at least ${result.ratio} x ${result.reference}`,
    result.measured === undefined ? '' : withRange(result.measured, ratio),
    result.verdict,
  ]);
  return alignColumns([['target', 'ratio', 'measured (min..max)', 'verdict'], ...rows], 2);
}

function isLatency(measure: Measure): boolean {
  return measure !== 'requestsPerSecond';
}

function summarizeRow(
  row: string,
  connections: number,
  references: readonly string[],
  measured: readonly Measurement[],
): Omit<RowSummary, 'scenario' | 'scenarioTitle' | 'title'> {
  const own = measured.filter((m) => m.row === row);
  const latency = percentileNames.map((name) => [name, spread(own.map((m) => m.latencyUs[name]))]);
  return {
    row,
    connections,
    requestsPerSecond: spread(own.map((m) => m.requestsPerSecond)),
    itemMbPerSecond: spread(own.map((m) => m.itemMbPerSecond)),
    latencyUs: Object.fromEntries(latency),
    ratios: ratiosTo(references, own, measured),
    serverCpuUs: optionalSpread(own.map((m) => m.serverCpuUs)),
    serverCores: optionalSpread(own.map((m) => m.serverCores)),
    loadCores: optionalSpread(own.map((m) => m.loadCores)),
    fromRedis: optionalSpread(own.map((m) => m.fromRedis)),
  };
}

/** Ratios are taken round by round, so that what slows a whole round cancels out. */
function ratiosTo(
  references: readonly string[],
  own: readonly Measurement[],
  measured: readonly Measurement[],
): Record<string, Record<Measure, Spread>> {
  const entries = references.flatMap((reference) => {
    const pairs = own.flatMap((m): [Measurement, Measurement][] => {
      const beside = measured.find((other) => other.row === reference && other.round === m.round);
      return beside === undefined ? [] : [[m, beside]];
    });
    if (pairs.length === 0) return [];
    const over = (value: (m: Measurement) => number) => spread(pairs.map(([m, to]) => value(m) / value(to)));
    const ratios = {
      requestsPerSecond: over((m) => m.requestsPerSecond),
      p50: over((m) => m.latencyUs.p50),
      p99: over((m) => m.latencyUs.p99),
    };
    return [[reference, ratios] as const];
  });
  return Object.fromEntries(entries);
}

function optionalSpread(values: readonly (number | undefined)[]): Spread | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : spread(known);
}

function renderTable(rows: readonly RowSummary[]): string {
  const percentiles = ['p50', 'p90', 'p99', 'p999'] as const;
  const header = ['', 'requests/s', '(min..max)', 'item MB/s', 'p50 us', 'p90', 'p99', 'p99.9'];
  const references = [...new Set(rows.flatMap(({ ratios }) => Object.keys(ratios)))];
  const ratioHeaders = references.map((reference) => `x ${reference} (min..max)`);
  const lines = rows.map((row) => [
    row.title,
    whole(row.requestsPerSecond.median),
    `${whole(row.requestsPerSecond.min)}..${whole(row.requestsPerSecond.max)}`,
    row.itemMbPerSecond.median.toFixed(1),
    ...percentiles.map((name) => whole(row.latencyUs[name].median)),
    ...references.map((reference) =>
      optional(row.ratios[reference], (ratios) => withRange(ratios.requestsPerSecond, ratio)),
    ),
    optional(row.serverCpuUs, ({ median }) => median.toFixed(1)),
    optional(row.serverCores, ({ median }) => ratio(median)),
    optional(row.loadCores, ({ median }) => ratio(median)),
    limit(row),
  ]);
  return alignColumns(
    [[...header, ...ratioHeaders, 'cpu us', 'server cores', 'load cores', 'limit'], ...lines],
    1,
  );
}

/**
 * With many connections the bare server waits for nothing but a processor. Where neither it nor the generator had one
 * to itself, other programs were at work.
 *
 * @returns a warning, or undefined where there is nothing to warn of.
 */
export function renderDisturbance(summaries: readonly RowSummary[]): string | undefined {
  const bare = summaries.filter((s) => s.row === 'node-http' && s.connections >= SATURATING_CONNECTIONS);
  if (!bare.some((row) => limit(row) === 'waiting')) return undefined;
  return 'Other programs used the processors: bare node:http did not get one to itself. Run again on a quiet machine.';
}

/** @returns whether reads were answered from Redis, in a line for each row that uses one; undefined if none does. */
export function renderFromRedis(summaries: readonly RowSummary[]): string | undefined {
  const lines = summaries.flatMap(({ title, connections, fromRedis }) =>
    fromRedis === undefined
      ? []
      : [`  ${title}, ${connections} ${plural(connections)}: ${withRange(fromRedis, ratio)}`],
  );
  return lines.length === 0
    ? undefined
    : ['Bytes that Redis sent for each byte of the answers (min..max)', ...lines].join('\n');
}

/** What kept a processor busy all the time; where nothing did, requests waited: for the disk, or for one another. */
function limit(row: RowSummary): string {
  if (row.serverCores === undefined || row.loadCores === undefined) return '';
  const busy = [
    row.serverCores.median >= BUSY_CORES ? 'server' : '',
    row.loadCores.median >= BUSY_CORES ? 'generator' : '',
  ];
  return busy.filter((name) => name !== '').join(' and ') || 'waiting';
}

function optional<T>(value: T | undefined, render: (value: T) => string): string {
  return value === undefined ? '' : render(value);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function ratio(value: number): string {
  return value.toFixed(2);
}

function plural(connections: number): string {
  return connections === 1 ? 'connection' : 'connections';
}
