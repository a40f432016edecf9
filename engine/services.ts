import type { Clock } from '../protocol/clock.ts';
import type { BackupServices } from './backup/backup-services.ts';
import type { Catalog } from './catalog.ts';
import type { Committer } from './commit.ts';
import type { ScanSnapshots } from './history/scan-snapshots.ts';
import type { TableLoads } from './loading/table-loads.ts';
import type { State } from './state/state.ts';
import type { Statistics } from './statistics.ts';
import type { StreamHistory } from './stream/history.ts';
import type { TableLife } from './table-life.ts';
import type { Throughput } from './throughput.ts';
import type { TransactionTokens } from './transaction-tokens.ts';
import type { Transfers } from './transfer/transfers.ts';

/** What the operations work with. */
export interface Services extends BackupServices, Transfers {
  /** The committed tables. */
  readonly catalog: Catalog;
  /** The committed items. */
  readonly state: State;
  readonly statistics: Statistics;
  readonly committer: Committer;
  readonly tableLife: TableLife;
  /** Tables that are being restored or imported. */
  readonly tableLoads: TableLoads;
  readonly transactionTokens: TransactionTokens;
  /** How long after a change of its TTL a table refuses another one. */
  readonly ttlChangeIntervalMs: number;
  readonly throughput: Throughput;
  readonly streamHistory: StreamHistory;
  readonly scanSnapshots: ScanSnapshots;
  /** Of a new stream. */
  readonly streamShards: number;
  /** Of the items of one partition key and their entries in local indexes. */
  readonly itemCollectionBytesMax: number;
  readonly clock: Clock;
}
