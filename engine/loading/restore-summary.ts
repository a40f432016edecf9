import type { TableDefinition } from '../table-definition.ts';

/** AWS: API_RestoreSummary. Seconds since 1970. */
export interface RestoreSummary {
  readonly SourceBackupArn?: string;
  readonly SourceTableArn: string;
  readonly RestoreDateTime: number;
  readonly RestoreInProgress: true;
}

/** @returns undefined for a table that is not being restored; one that has been does not tell (measured). */
export function restoreSummary({ loading }: TableDefinition): RestoreSummary | undefined {
  if (loading?.kind !== 'restore') return undefined;
  const { sourceBackupArn, sourceTableArn, restoreMs } = loading;
  return {
    ...(sourceBackupArn !== undefined && { SourceBackupArn: sourceBackupArn }),
    SourceTableArn: sourceTableArn,
    RestoreDateTime: restoreMs / 1000,
    RestoreInProgress: true,
  };
}
