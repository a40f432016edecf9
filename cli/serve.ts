import type { Backend } from '../protocol/backend.ts';
import type { Clock } from '../protocol/clock.ts';
import { systemClock } from '../protocol/clock.ts';
import { type Front, startFront } from '../proxy/front/api.ts';
import { defaultHttpLimits } from '../proxy/front/limits.ts';
import type { Metrics } from '../proxy/metrics.ts';
import { openAdmin, openMetrics } from './admin.ts';
import { addressUrl, announce } from './announcement.ts';
import type { Server, Settings } from './config/options.ts';
import type { Configuration } from './config/settings.ts';
import { explainFailure } from './failure.ts';
import { tuneHeap } from './heap.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Log } from './log.ts';
import { isPretty, openLog } from './log.ts';

/** What a program's parts are opened with. */
export interface Surroundings {
  readonly settings: Settings;
  readonly log: Log;
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  /** Absent where nobody watches. */
  readonly metrics: Metrics | undefined;
}

/** Opens what answers the calls, and hands its parts to the lifecycle. */
export type OpenBackend = (surroundings: Surroundings) => Promise<Backend>;

/** After the calls under way: time for the rest, the upstream's 2 s or the engine's files. */
const filesCloseMs = 10_000;

/** Runs a server until it is told to stop; the process ends with it. */
export async function serve(
  server: Server,
  configuration: Configuration,
  version: string,
  openBackend: OpenBackend,
): Promise<void> {
  tuneHeap();
  const { settings } = configuration;
  const pretty = isPretty(settings.logFormat, process.stderr.isTTY);
  const log = openLog(settings.logLevel, pretty);
  const closeDeadlineMs = settings.closeTimeoutMs + filesCloseMs;
  const lifecycle = new Lifecycle({ log, clock: systemClock, closeDeadlineMs, exit: process.exit });
  lifecycle.watch(process);
  for (const warning of configuration.warnings) log.warn({}, warning);
  try {
    const metrics = await openMetrics(settings, version);
    const backend = await openBackend({ settings, log, clock: systemClock, lifecycle, metrics });
    if (lifecycle.isStopping) return;
    const admin = await openAdmin({ configuration, version, backend, metrics, lifecycle, log });
    if (lifecycle.isStopping) return;
    const observed = metrics?.observe(backend) ?? backend;
    const front = await openFront(lifecycle, startFront(frontOptions(configuration, observed, log)));
    if (lifecycle.isStopping) return;
    announce({ server, version, address: front, admin, configuration }, log, pretty);
    process.stdout.write(`ready ${addressUrl(front)}\n`);
  } catch (error) {
    process.stderr.write(`slipstream: ${explainFailure(error, settings)}\n`);
    await lifecycle.stop(1);
  }
}

async function openFront(lifecycle: Lifecycle, opening: Promise<Front>): Promise<Front> {
  lifecycle.opening('front', opening);
  return opening;
}

function frontOptions({ settings, credentials }: Configuration, backend: Backend, log: Log) {
  return {
    host: settings.host,
    port: settings.port,
    backend,
    credentials,
    insecureNoAuth: settings.insecureNoAuth,
    corsOrigins: settings.corsOrigin,
    allowedHosts: settings.allowedHost,
    limits: {
      ...defaultHttpLimits,
      bodyBytesMax: settings.bodyBytesMax,
      connectionsMax: settings.connectionsMax,
      headMs: settings.headerTimeoutMs,
      requestMs: settings.requestTimeoutMs,
      idleMs: settings.idleTimeoutMs,
      closeMs: settings.closeTimeoutMs,
    },
    clock: systemClock,
    log,
  };
}
