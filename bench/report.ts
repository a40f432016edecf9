import { type LatencyUs, percentileNames, type Spread, spread } from './histogram.ts';
import type { Measurement } from './rounds.ts';
import type { Scenario, SystemName, Target } from './scenario.ts';
import { type WorkloadName, workloads } from './workload.ts';

/** A row at one number of connections, over all rounds. */
export interface RowSummary {
  readonly workload: WorkloadName;
  readonly row: string;
  readonly title: string;
  readonly connections: number;
  readonly requestsPerSecond: Spread;
  readonly itemMbPerSecond: Spread;
  readonly latencyUs: Readonly<Record<keyof LatencyUs, Spread>>;
  /** Requests per second over those of a reference in the same round, by the reference's name. */
  readonly ratios: Readonly<Record<string, Spread>>;
  readonly serverCpuUs: Spread | undefined;
  readonly serverCores: Spread | undefined;
  readonly loadCores: Spread | undefined;
}

export type Verdict = 'reached' | 'missed' | 'not measured';

export interface TargetResult extends Target {
  readonly ratio: Spread | undefined;
  readonly verdict: Verdict;
}

const ratioReferences: readonly SystemName[] = ['node-http', 'dynalite', 'dynamodb-local'];

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
  return (connections ?? scenario.connections).flatMap((count) => {
    const measured = measurements.filter((m) => m.workload === scenario.workload && m.connections === count);
    return rows.map(({ name, title }) => ({
      workload: scenario.workload,
      title,
      ...summarizeRow(name, count, measured),
    }));
  });
}

/** The verdict goes by the median of the rounds' ratios. */
export function judge(targets: readonly Target[], summaries: readonly RowSummary[]): TargetResult[] {
  return targets.map((target) => {
    const summary = summaries.find((s) => s.row === target.subject && s.connections === target.connections);
    const ratio = summary?.ratios[target.reference];
    if (ratio === undefined) return { ...target, ratio, verdict: 'not measured' };
    return { ...target, ratio, verdict: ratio.median >= target.ratioMin ? 'reached' : 'missed' };
  });
}

/** One table for each scenario and number of connections. */
export function renderTables(summaries: readonly RowSummary[]): string {
  const tables = new Map<string, RowSummary[]>();
  for (const summary of summaries) {
    const title = `${workloads[summary.workload].title}, ${summary.connections} ${plural(summary.connections)}`;
    const rows = tables.get(title);
    if (rows === undefined) tables.set(title, [summary]);
    else rows.push(summary);
  }
  return [...tables].map(([title, rows]) => `${title}\n${renderTable(rows)}`).join('\n\n');
}

export function renderTargets(results: readonly TargetResult[]): string {
  const rows = results.map((result) => [
    `${result.subject}, ${result.connections} ${plural(result.connections)}`,
    `at least ${result.ratioMin} x ${result.reference}`,
    result.ratio === undefined ? '' : withRange(result.ratio, ratio),
    result.verdict,
  ]);
  return alignColumns([['target', 'ratio of requests/s', 'measured (min..max)', 'verdict'], ...rows], 2);
}

function summarizeRow(
  row: string,
  connections: number,
  measured: readonly Measurement[],
): Omit<RowSummary, 'workload' | 'title'> {
  const own = measured.filter((m) => m.row === row);
  const latency = percentileNames.map((name) => [name, spread(own.map((m) => m.latencyUs[name]))]);
  return {
    row,
    connections,
    requestsPerSecond: spread(own.map((m) => m.requestsPerSecond)),
    itemMbPerSecond: spread(own.map((m) => m.itemMbPerSecond)),
    latencyUs: Object.fromEntries(latency),
    ratios: ratiosTo(ratioReferences, own, measured),
    serverCpuUs: optionalSpread(own.map((m) => m.serverCpuUs)),
    serverCores: optionalSpread(own.map((m) => m.serverCores)),
    loadCores: optionalSpread(own.map((m) => m.loadCores)),
  };
}

/** Ratios are taken round by round, so that what slows a whole round cancels out. */
function ratiosTo(
  references: readonly string[],
  own: readonly Measurement[],
  measured: readonly Measurement[],
): Record<string, Spread> {
  const entries = references.flatMap((reference) => {
    const ratios = own.flatMap((m) => {
      const beside = measured.find((other) => other.row === reference && other.round === m.round);
      return beside === undefined ? [] : [m.requestsPerSecond / beside.requestsPerSecond];
    });
    return ratios.length === 0 ? [] : [[reference, spread(ratios)] as const];
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
  const ratioHeaders = ratioReferences.map((reference) => `x ${reference} (min..max)`);
  const lines = rows.map((row) => [
    row.title,
    whole(row.requestsPerSecond.median),
    `${whole(row.requestsPerSecond.min)}..${whole(row.requestsPerSecond.max)}`,
    row.itemMbPerSecond.median.toFixed(1),
    ...percentiles.map((name) => whole(row.latencyUs[name].median)),
    ...ratioReferences.map((reference) => optional(row.ratios[reference], (r) => withRange(r, ratio))),
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

/** What kept a processor busy all the time; where nothing did, requests waited: for the disk, or for one another. */
function limit(row: RowSummary): string {
  if (row.serverCores === undefined || row.loadCores === undefined) return '';
  const busy = [
    row.serverCores.median >= BUSY_CORES ? 'server' : '',
    row.loadCores.median >= BUSY_CORES ? 'generator' : '',
  ];
  return busy.filter((name) => name !== '').join(' and ') || 'waiting';
}

/** @param textColumns so many columns stand left-aligned, all after them right-aligned. */
function alignColumns(lines: readonly (readonly string[])[], textColumns: number): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const align = (cell: string, column: number): string =>
    column < textColumns ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return lines.map((line) => `  ${line.map(align).join('  ')}`.trimEnd()).join('\n');
}

function optional<T>(value: T | undefined, render: (value: T) => string): string {
  return value === undefined ? '' : render(value);
}

function withRange({ median, min, max }: Spread, render: (value: number) => string): string {
  return `${render(median)} (${render(min)}..${render(max)})`;
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
