import { Engine } from '../engine/engine.ts';
import type { Backend } from '../protocol/backend.ts';
import type { Surroundings } from './serve.ts';

/** The embedded engine on the data folder of the settings. */
export async function openEngine({
  settings,
  log,
  clock,
  lifecycle,
  metrics,
}: Surroundings): Promise<Backend> {
  const engine = await Engine.open({
    dataDirectory: settings.data,
    clock,
    durability: settings.durability,
    logSegmentBytesMax: settings.logSegmentSize,
    overlayBytesMax: settings.overlaySize,
    replicaLagMs: settings.replicaLagMs,
    diskReserveBytes: settings.diskReserve,
    capacity: settings.capacity,
    controlPlaneDelayMs: settings.controlPlaneDelayMs,
    ttlSweepMs: settings.ttlSweepMs,
    ttlChangeIntervalMs: settings.ttlChangeIntervalMs,
    streamShards: settings.streamShards,
    streamShardMs: settings.streamShardSeconds * 1000,
    ...(settings.backups !== undefined && { backupsDirectory: settings.backups }),
    ...(settings.bucketDir !== undefined && { bucketsDirectory: settings.bucketDir }),
    ...(settings.s3Endpoint !== undefined && { s3Endpoint: settings.s3Endpoint }),
    pitrLagMs: settings.pitrLagMs,
    log,
    onFatal: (error: unknown) => lifecycle.fatal(error),
  });
  metrics?.watchDisk(() => engine.diskUse());
  lifecycle.opened('engine', () => engine.close());
  return engine;
}
