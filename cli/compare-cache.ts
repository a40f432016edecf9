import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '../protocol/backend.ts';
import { systemClock } from '../protocol/clock.ts';
import type { Logger } from '../protocol/logger.ts';
import type { Example, Inspection, Progress, Tally } from '../proxy/inspector.ts';
import { inspect } from '../proxy/inspector.ts';
import { openUpstream } from '../proxy/upstream.ts';
import type { Configuration } from './config/settings.ts';

const world = { clock: systemClock, sleep: (ms: number) => sleep(ms), random: Math.random };

/**
 * Compares a proxy's cache with the store behind it, and says what was found.
 * @returns the exit code: 0 no lasting difference, 1 some, 2 it could not be found out.
 */
export async function compareCache(configuration: Configuration): Promise<number> {
  const { settings } = configuration;
  const backends: Backend[] = [];
  try {
    const region = regionOf(configuration);
    const { cache, store } = await openBoth(configuration, backends);
    const { table: tables, samples, delayMs, rate: readsPerSecond } = settings;
    const inspection = await inspect({
      ...{ cache, store, region, tables, samples, delayMs, readsPerSecond, world },
      ...(process.stderr.isTTY ? { onProgress: progressLine(samples) } : {}),
    });
    if (inspection.tables.length === 0) {
      throw new Error(`the upstream has no tables in ${region}; choose another region with --region`);
    }
    if (process.stderr.isTTY) process.stderr.write(eraseLine);
    if (settings.json !== undefined) writeFileSync(settings.json, `${JSON.stringify(inspection, null, 2)}\n`);
    process.stdout.write(summaryOf(inspection, delayMs));
    return inspection.total.lasting === 0 ? 0 : 1;
  } catch (error) {
    if (process.stderr.isTTY) process.stderr.write(eraseLine);
    process.stderr.write(`slipstream: ${error instanceof Error ? explain(error) : error}\n`);
    return 2;
  } finally {
    await Promise.all(backends.map((backend) => backend.close()));
  }
}

/** @param opened gets each as soon as it has to be closed. */
async function openBoth({ settings, credentials }: Configuration, opened: Backend[]) {
  const { endpoint, upstream, upstreamTimeoutMs: callMs } = settings;
  if (endpoint === undefined || upstream === undefined) throw new TypeError('both endpoints are configured');
  const [credential] = credentials;
  const signing = credential === undefined ? {} : { credentials: async () => credential };
  const cache = await openUpstream({ url: endpoint, callMs, log: logOf(endpoint), ...signing });
  opened.push(cache);
  const store = await openUpstream({ url: upstream, callMs, log: logOf(upstream) });
  opened.push(store);
  return { cache, store };
}

/** What an endpoint's troubles are, in a line each; that it is called without credentials is no news on loopback. */
function logOf(url: string): Logger {
  const tell = (details: object, message: string) => {
    const { err } = details as { readonly err?: unknown };
    const reason = err instanceof Error ? ` (${err.message})` : '';
    process.stderr.write(`slipstream: ${url}: ${message}${reason}\n`);
  };
  return { info: () => {}, warn: tell, error: tell };
}

/** Requests are signed for it, and a store has other tables in each. */
function regionOf({ settings: { region, upstream = '' } }: Configuration): string {
  return region ?? /^https?:\/\/dynamodb\.([a-z0-9-]+)\.amazonaws\./.exec(upstream)?.[1] ?? 'us-east-1';
}

/** DynamoDB's errors say little without their names. */
function explain(error: Error): string {
  return 'code' in error ? `${error.code}: ${error.message}` : error.message;
}

const eraseLine = '\r\u001b[K';
const progressMs = 200;

function progressLine(samples: number): (progress: Progress) => void {
  let nextAtMs = 0;
  return (progress) => {
    const nowMs = systemClock.monotonic();
    if (nowMs < nextAtMs) return;
    nextAtMs = nowMs + progressMs;
    const { samples: drawn, compared, differing } = progress;
    process.stderr.write(
      `${eraseLine}${drawn} of ${samples} keys, ${compared} comparisons, ${differing} differ`,
    );
  };
}

function summaryOf(inspection: Inspection, delayMs: number): string {
  const { tables, samples, total, items, queries, indexQueries, examples, isCut } = inspection;
  const lines = [
    `${samples} keys of ${tables.length} ${tables.length === 1 ? 'table' : 'tables'}`,
    ...[
      ['items', items] as const,
      ['queries of tables', queries] as const,
      ['queries of indexes', indexQueries] as const,
      ['together', total] as const,
    ].map(([name, tally]) => tallyLine(name, tally, delayMs)),
    ...(isCut ? ['There are so many differences that no more keys were drawn.'] : []),
    ...examples.flatMap(exampleLines),
  ];
  return `${lines.join('\n')}\n`;
}

function tallyLine(name: string, tally: Tally, delayMs: number): string {
  const { compared, differing, lasting, undecided, lastingPpm } = tally;
  const open = undecided === 0 ? '' : `, ${undecided} undecided as the store kept changing`;
  const numbers = `${compared} compared, ${differing} differed at once, ${lasting} after ${delayMs} ms (${lastingPpm} ppm)`;
  return `  ${name.padEnd(18)} ${numbers}${open}`;
}

function exampleLines({ table, index, key, cached, stored }: Example): string[] {
  const place = index === undefined ? table : `${table}, index ${index}`;
  return [`${place}, ${JSON.stringify(key)}`, `  cache: ${cached}`, `  store: ${stored}`];
}
