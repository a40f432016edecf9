import { isRegion } from '../../protocol/sigv4.ts';
import type { Accelerator } from '../accelerator.ts';
import { isObject } from '../cache/key-reader.ts';
import type { FlushTarget } from '../flush.ts';
import type { Metrics } from '../metrics.ts';
import { AdminError } from './admin-error.ts';
import type { Readiness } from './readiness.ts';
import { changeSettings, settingsJson } from './settings-json.ts';
import { isTableNameOrArn } from './table-name.ts';

/** What the routes speak of. */
export interface Administrated {
  readonly version: string;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Where a table is looked for, unless a request says. */
  readonly region: string;
}

export interface AdminRequest {
  readonly query: URLSearchParams;
  /** The parsed body; empty where there is none. */
  readonly input: Readonly<Record<string, unknown>>;
}

export interface AdminAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

type Handler = (administrated: Administrated, request: AdminRequest) => AdminAnswer | Promise<AdminAnswer>;

export interface Route {
  /** Anybody may ask, without a token. */
  readonly isOpen?: true;
  readonly GET?: Handler;
  readonly PATCH?: Handler;
  readonly POST?: Handler;
}

export const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/healthz', { isOpen: true, GET: () => json(200, { status: 'alive' }) }],
  ['/readyz', { isOpen: true, GET: getReadiness }],
  ['/metrics', { GET: getMetrics }],
  ['/stats', { GET: getStats }],
  ['/settings', { GET: getSettings, PATCH: patchSettings }],
  ['/flush', { POST: postFlush }],
  ['/hot-keys', { GET: getHotKeys }],
]);

export function json(status: number, value: object): AdminAnswer {
  return { status, contentType: 'application/json', body: `${JSON.stringify(value)}\n` };
}

async function getReadiness({ readiness }: Administrated): Promise<AdminAnswer> {
  const reason = await readiness.check();
  return reason === undefined ? json(200, { status: 'ready' }) : json(503, { status: 'not ready', reason });
}

async function getMetrics({ metrics }: Administrated): Promise<AdminAnswer> {
  return { status: 200, contentType: metrics.contentType, body: await metrics.text() };
}

function getStats({ version, metrics }: Administrated): AdminAnswer {
  const { accelerator } = metrics;
  const { rss: rssBytes, heapUsed: heapUsedBytes, external: externalBytes } = process.memoryUsage();
  return json(200, {
    version,
    uptimeSeconds: Math.round(process.uptime()),
    memory: { rssBytes, heapUsedBytes, externalBytes },
    ...(accelerator === undefined ? {} : cacheStats(accelerator)),
    ...metrics.stats(),
  });
}

function cacheStats(accelerator: Accelerator): object {
  const { stalenessBoundMs, settings, tableCounters } = accelerator;
  return {
    cache: { ...accelerator.stats(), bytesMax: settings.cacheBytesMax, stalenessBoundMs },
    tables: Object.fromEntries(tableCounters.entries()),
  };
}

function getSettings(administrated: Administrated): AdminAnswer {
  return json(200, settingsJson(cacheOf(administrated).settings.values()));
}

function patchSettings(administrated: Administrated, { input }: AdminRequest): AdminAnswer {
  changeSettings(cacheOf(administrated).settings, input);
  return getSettings(administrated);
}

async function postFlush(administrated: Administrated, { input }: AdminRequest): Promise<AdminAnswer> {
  const target = readTarget(input, administrated.region);
  await cacheOf(administrated).flush(target);
  return json(200, { flushed: target });
}

function readTarget(input: Readonly<Record<string, unknown>>, defaultRegion: string): FlushTarget {
  const { table: tableName, key, region = defaultRegion, ...others } = input;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new AdminError(400, `${unknown}: is not known; there are table, key and region, and {} for all`);
  }
  if (typeof region !== 'string' || !isRegion(region)) {
    throw new AdminError(400, 'region: must be a region such as eu-central-1');
  }
  if (tableName === undefined) {
    if (Object.keys(input).length === 0) return { kind: 'all' };
    throw new AdminError(400, 'table: is missing; say {} to drop everything');
  }
  if (typeof tableName !== 'string' || !isTableNameOrArn(tableName)) {
    throw new AdminError(400, "table: must be a table's name or ARN");
  }
  if (key === undefined) return { kind: 'table', region, tableName };
  if (!isObject(key))
    throw new AdminError(400, 'key: must be an object of attribute values, as GetItem takes it');
  return { kind: 'key', region, tableName, key };
}

const hotKeysDefault = 10;
const hotKeysMax = 256;

function getHotKeys({ metrics }: Administrated, { query }: AdminRequest): AdminAnswer {
  const text = query.get('limit') ?? String(hotKeysDefault);
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > hotKeysMax) {
    throw new AdminError(400, `limit: must be an integer from 1 to ${hotKeysMax}`);
  }
  return json(200, { keys: metrics.hotKeys.top(limit, query.get('table') || undefined) });
}

function cacheOf({ metrics }: Administrated): Accelerator {
  if (metrics.accelerator !== undefined) return metrics.accelerator;
  throw new AdminError(
    404,
    'this server has no cache; ask a proxy, or the server that was started with "start"',
  );
}
