import { checkDataDirectory } from '../engine/check.ts';
import type { Settings } from './config/options.ts';
import { explainFailure } from './failure.ts';

/** Verifies the data folder and says what it found. @returns the exit code: 0 sound, 1 damaged or not readable. */
export async function check(settings: Settings): Promise<number> {
  try {
    const { summary, problems } = await checkDataDirectory(settings.data);
    for (const line of summary) process.stdout.write(`${line}\n`);
    for (const problem of problems) process.stderr.write(`slipstream: ${problem}\n`);
    return problems.length === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`slipstream: ${explainFailure(error, settings)}\n`);
    return 1;
  }
}
