import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeFiles } from '../../../engine/files.ts';
import { Historian } from '../../../engine/history/historian.ts';
import { WindowFiles } from '../../../engine/history/history-files.ts';
import { BatchEncoder } from '../../../engine/log/record.ts';
import { silentLogger } from '../../silent-logger.ts';
import { openLog } from '../log-harness.ts';
import { temporaryFolder } from './archive-harness.ts';

test('what is taken apart for a window that is gone meanwhile asks for nothing of the log any more', async () => {
  const directory = temporaryFolder();
  const { log } = await openLog(nodeFiles, { directory: join(directory, 'log'), segmentBytesMax: 1024 });
  for (let i = 1; i < 20; i++) {
    const encoder = new BatchEncoder();
    const newImage = { json: Buffer.alloc(500, 'x'), size: 500 };
    encoder.add({ firstSequence: i, timeMs: i, changes: [{ kind: 'item', table: 1, key: 'key', newImage }] });
    await log.append(encoder);
  }
  const historian = new Historian({ directory: join(directory, 'history'), log, logger: silentLogger });
  const gone = new WindowFiles({ sequence: 1, table: 1 });
  const split = historian.split(historian.sealed(log.end), [gone], new AbortController().signal);
  historian.standStill();
  const start = log.segments.at(-1)?.startLsn ?? 0;
  historian.needsFrom(start);
  await split;
  expect(historian.lsn).toBe(start);
  await log.close();
});
