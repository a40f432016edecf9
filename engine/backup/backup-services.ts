import type { Logger } from '../../protocol/logger.ts';
import type { LoadPlan } from '../history/load-plan.ts';
import type { TableDefinition } from '../table-definition.ts';
import type { Backups } from './backups.ts';
import type { RestorableHistories, RestoreSources } from './restore-sources.ts';

/** What the operations on backups and point-in-time recovery work with, besides what the others do. */
export interface BackupServices {
  readonly backups: Backups;
  readonly histories: RestorableHistories;
  readonly restoreSources: RestoreSources;
  /** The definition of the plan's table at its moment. */
  readonly definitionAt: (plan: LoadPlan) => Promise<TableDefinition>;
  /** How long tables stay CREATING, UPDATING and DELETING. */
  readonly controlPlaneDelayMs: number;
  readonly log: Logger;
}
