import type { Backend } from '../protocol/backend.ts';
import type { AcceleratorOptions, TableSettings } from '../proxy/accelerator.ts';
import { Accelerator } from '../proxy/accelerator.ts';
import type { Settings } from './config/options.ts';
import type { Surroundings } from './serve.ts';

/**
 * The cache in front of a backend.
 * @param settleMs how long the backend's eventually consistent reads may lag, unless the settings say.
 * @param openers of what a proxy may have besides.
 */
export function accelerate(
  backend: Backend,
  settleMs: number,
  { settings, clock, log, lifecycle, metrics }: Surroundings,
  openers: Pick<AcceleratorOptions, 'openShared' | 'openFollower'> = {},
): Backend {
  const accelerator = new Accelerator(metrics?.observeStore(backend) ?? backend, {
    cacheBytesMax: settings.cacheSize,
    itemTtlMs: settings.itemTtlMs,
    queryTtlMs: settings.queryTtlMs,
    indexTtlMs: settings.indexTtlMs,
    tables: tableSettings(settings.tables),
    describeMs: settings.describeMs,
    settleMs: settings.settleMs ?? settleMs,
    fenceMs: settings.fenceMs,
    clock,
    log,
    ...openers,
  });
  metrics?.watchCache(accelerator);
  lifecycle.opened('accelerator', () => accelerator.close());
  return accelerator;
}

/** What the configuration says of each table's cache, as the accelerator takes it: what is not said is left out. */
function tableSettings(tables: Settings['tables']): Record<string, TableSettings> {
  const settings = Object.entries(tables).map(([name, table]): [string, TableSettings] => {
    const { enabled, itemTtlMs, queryTtlMs } = table?.cache ?? {};
    return [
      name,
      {
        ...(enabled === undefined ? {} : { cache: enabled }),
        ...(itemTtlMs === undefined ? {} : { itemTtlMs }),
        ...(queryTtlMs === undefined ? {} : { queryTtlMs }),
      },
    ];
  });
  return Object.fromEntries(settings);
}
