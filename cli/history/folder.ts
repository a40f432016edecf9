import { join } from 'node:path';
import { importBackups, type VerifiedBackup, verifyBackups } from '../../engine/backup/backup-folder.ts';
import type { BackupFolderTool, Settings } from '../config/options.ts';

/** Works on folders of backups without a server. @returns the exit code: 0 all sound, 1 something is damaged or not readable. */
export async function useBackupFolder(program: BackupFolderTool, settings: Settings): Promise<number> {
  try {
    return program === 'backups verify' ? await verify(settings) : await copyIn(settings);
  } catch (error) {
    process.stderr.write(`slipstream: ${error instanceof Error ? error.message : error}\n`);
    return 1;
  }
}

async function verify({ folder = '' }: Settings): Promise<number> {
  let exitCode = 0;
  for await (const backup of verifyBackups(folder)) {
    if (backup.problem === undefined) process.stdout.write(`${nameOf(backup)}: sound\n`);
    else exitCode = tellProblem(backup.problem);
  }
  return exitCode;
}

async function copyIn({ folder = '', backups, data }: Settings): Promise<number> {
  const target = backups ?? join(data, 'backups');
  let exitCode = 0;
  for await (const backup of importBackups(folder, target)) {
    if (backup.problem !== undefined) exitCode = tellProblem(backup.problem);
    else if (backup.isKnown) process.stdout.write(`${nameOf(backup)}: is there already\n`);
    else process.stdout.write(`${nameOf(backup)}: imported into ${target}\n`);
  }
  return exitCode;
}

function nameOf({ backupArn, folder }: VerifiedBackup): string {
  return backupArn ?? folder;
}

function tellProblem(problem: string): number {
  process.stderr.write(`slipstream: ${problem}\n`);
  return 1;
}
