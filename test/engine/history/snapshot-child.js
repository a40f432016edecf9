// For snapshot.test.ts: takes a snapshot of the state in a folder, and says when its file is there.
import { existsSync } from 'node:fs';
import { Snapshots } from '../../../dist/engine/history/snapshot.js';
import { Store } from '../../../dist/engine/state/store.js';

const [stateDirectory, archivePath, table] = process.argv.slice(2);
const last = { sequence: 1, timeMs: 1 };
const snapshots = new Snapshots({
  stateDirectory,
  store: Store.open(stateDirectory, { readOnly: true }),
  log: { part: (fromLsn) => ({ directory: '', logId: '', segments: [], fromLsn }) },
  published: () => ({ lsn: 0, last }),
  statistics: () => ({ itemCount: 0, sizeBytes: 0 }),
  refusal: () => undefined,
});
const timer = setInterval(() => {
  if (!existsSync(`${archivePath}.partial`)) return;
  clearInterval(timer);
  process.stdout.write('begun\n');
}, 1);
await snapshots.take({ table: JSON.parse(table), archivePath });
