import type { Clock } from '../protocol/clock.ts';
import type { Logger } from '../protocol/logger.ts';
import type { Files } from './files.ts';
import type { CapacityEnforcement } from './throughput.ts';

export interface EngineOptions {
  /** Made if missing; one process at a time. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** `relaxed`: acknowledge before the log is synced; power loss can take back the last writes. */
  readonly durability: 'sync' | 'relaxed';
  /** A log segment is closed when it is longer; 1 MiB or more. */
  readonly logSegmentBytesMax: number;
  /** Committed writes that LMDB has not taken yet; writers wait when there are more. */
  readonly overlayBytesMax: number;
  /** Free bytes of the disk below which writes are refused. */
  readonly diskReserveBytes: number;
  /** Which limits of throughput throttle calls. */
  readonly capacity: CapacityEnforcement;
  /** How long tables stay CREATING, UPDATING and DELETING. */
  readonly controlPlaneDelayMs: number;
  /** Between two sweeps for expired items. */
  readonly ttlSweepMs: number;
  /** How long after a change of its TTL a table refuses another one; 0 for not at all. */
  readonly ttlChangeIntervalMs: number;
  /** Into how many shards a new stream is cut: 1 to 32, 4 unless said. */
  readonly streamShards?: number;
  /** How long a shard of a stream is open; AWS's four hours unless said. */
  readonly streamShardMs?: number;
  /** Of on-demand backups; in the data folder unless said. */
  readonly backupsDirectory?: string;
  /** Under which buckets are folders that tables are exported to and imported from; in the data folder unless said. */
  readonly bucketsDirectory?: string;
  /** Buckets are in S3: `aws` for AWS's own, or the URL of another endpoint; in folders unless said. */
  readonly s3Endpoint?: string;
  /** How far the latest restorable moment is behind, in ms; 0 unless said. AWS's is five minutes behind. */
  readonly pitrLagMs?: number;
  /** Compressed bytes of a table's changes below which its history gets no further base; 16 MiB unless said. */
  readonly pitrBaseBytesMin?: number;
  /** Eventually consistent reads and global indexes are so much behind, to test against; 0 for not at all. */
  readonly replicaLagMs: number;
  /** AWS's limit of 10 GB unless said, in bytes. */
  readonly itemCollectionBytesMax?: number;
  readonly log: Logger;
  /** The log can no longer be trusted; the process must end. */
  readonly onFatal: (error: Error) => void;
  /** Where the log lies, if not in the data folder on the operating system's files. */
  readonly logPlace?: { readonly files: Files; readonly directory: string };
}
