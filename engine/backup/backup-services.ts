import type { Backups } from './backups.ts';
import type { RestorableHistories, RestoreSources } from './restore-sources.ts';

/** What the operations on backups and point-in-time recovery work with, besides what the others do. */
export interface BackupServices {
  readonly backups: Backups;
  readonly histories: RestorableHistories;
  readonly restoreSources: RestoreSources;
  /** How long tables stay CREATING, UPDATING and DELETING. */
  readonly controlPlaneDelayMs: number;
}
