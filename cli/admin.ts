import type { Backend } from '../protocol/backend.ts';
import { systemClock } from '../protocol/clock.ts';
import type { Metrics } from '../proxy/metrics.ts';
import type { Address } from './announcement.ts';
import type { Settings } from './config/options.ts';
import type { Configuration } from './config/settings.ts';
import { explainListening } from './failure.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Log } from './log.ts';

/** @returns undefined where nobody can ask for them: then nothing is measured, nor loaded for it. */
export async function openMetrics({ admin }: Settings, version: string): Promise<Metrics | undefined> {
  if (admin === undefined) return undefined;
  const { Metrics } = await import('../proxy/metrics.ts');
  return new Metrics({ version, clock: systemClock });
}

export interface AdminSurroundings {
  readonly configuration: Configuration;
  readonly version: string;
  /** What answers the callers. */
  readonly backend: Backend;
  readonly metrics: Metrics | undefined;
  readonly lifecycle: Lifecycle;
  readonly log: Log;
}

/**
 * Opens the administration, if there is to be one. It closes after the front, so that it can tell meanwhile that the
 * server is stopping.
 */
export async function openAdmin(surroundings: AdminSurroundings): Promise<Address | undefined> {
  const { configuration, version, backend, metrics, lifecycle, log } = surroundings;
  const { admin, allowedHost: allowedHosts, region } = configuration.settings;
  if (admin === undefined || metrics === undefined) return undefined;
  const { startAdmin } = await import('../proxy/admin.ts');
  const opening = startAdmin({
    ...admin,
    token: configuration.adminToken,
    allowedHosts,
    version,
    metrics,
    backend,
    region,
    isStopping: () => lifecycle.isStopping,
    clock: systemClock,
    log,
  });
  lifecycle.opening('admin', opening);
  try {
    return await opening;
  } catch (error) {
    const reason = explainListening(error, admin, { host: '--admin', port: '--admin' });
    throw reason === undefined ? error : new Error(reason);
  }
}
