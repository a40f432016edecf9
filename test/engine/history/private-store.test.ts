import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ArchiveDamagedError } from '../../../engine/history/archive-format.ts';
import type { ArchivedChange } from '../../../engine/history/block.ts';
import type { LoadPlan } from '../../../engine/history/load-plan.ts';
import { PrivateStore } from '../../../engine/history/private-store.ts';
import type { MaterializeProgress } from '../../../engine/history/private-store-worker.ts';
import { itemKey, tablePrefix } from '../../../engine/state/layout.ts';
import { joinKey } from '../../../protocol/key.ts';
import { seededRandom } from '../simulated-files.ts';
import {
  changed,
  image,
  shownItems,
  snapshotOf,
  tableNumber,
  temporaryFolder,
  writeArchive,
} from './archive-harness.ts';

const itemCount = 2000;

test('a private store has what the plan makes, each item once, in the order of the keys', async () => {
  const folder = temporaryFolder();
  const { plan, items } = await writePlan(folder);
  const told: MaterializeProgress[] = [];
  const store = await PrivateStore.make(plan, join(folder, 'private'), {
    onProgress: (progress) => void told.push(progress),
  });
  const rows = [];
  for await (const some of store.rows()) rows.push(...some);
  const expected = [...items]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, text]) => ({ key, image: image(text) }));
  expect(shownItems(rows)).toEqual(shownItems(expected));
  const sizeBytes = expected.reduce((sum, row) => sum + row.image.size, 0);
  expect(store.statistics).toEqual({ itemCount: items.size, sizeBytes });
  expect(told.at(-1)?.rows).toBe(itemCount + 500);
  const [first] = expected;
  expect(store.store.find(tablePrefix(store.table) + first?.key)?.take().json).toEqual(first?.image.json);
  await store.close();
  expect(readdirSync(folder).sort()).toEqual(['base.archive', 'changes.archive']);
});

test('a private store that is not wanted any more leaves no folder', async () => {
  const folder = temporaryFolder();
  const { plan } = await writePlan(folder);
  const aborter = new AbortController();
  const made = PrivateStore.make(plan, join(folder, 'private'), {
    signal: aborter.signal,
    onProgress: () => aborter.abort(new Error('not wanted any more')),
  });
  await expect(made).rejects.toThrow('not wanted any more');
  expect(existsSync(join(folder, 'private'))).toBe(false);
});

test('a private store is not made of damaged archives', async () => {
  const folder = temporaryFolder();
  const { plan } = await writePlan(folder);
  const path = plan.changes[0] ?? '';
  const bytes = readFileSync(path);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  await expect(PrivateStore.make(plan, join(folder, 'private'))).rejects.toThrow(ArchiveDamagedError);
  expect(existsSync(join(folder, 'private'))).toBe(false);
});

/** Some of the items of the base are overwritten later, some removed; and some are new. */
async function writePlan(folder: string): Promise<{ plan: LoadPlan; items: Map<string, string> }> {
  const random = seededRandom(7);
  const items = new Map<string, string>();
  for (let i = 0; i < itemCount; i++) items.set(itemKey(keyOf(i)), `${'x'.repeat(random() * 2000)} ${i}`);
  const sorted = [...items].sort(([a], [b]) => (a < b ? -1 : 1));
  const base = join(folder, 'base.archive');
  await writeArchive(base, {
    items: sorted.map(([key, text]) => ({ key, image: image(text) })),
    contents: snapshotOf({ through: { sequence: 10, timeMs: 10 } }),
  });
  const changes: ArchivedChange[] = [];
  for (let i = 0; i < 500; i++) {
    const key = keyOf(Math.floor(random() * itemCount * 1.2));
    const after = random() < 0.3 ? undefined : `changed ${i}`;
    changes.push({ sequence: 11 + i, timeMs: 11 + i, change: changed(key, items.get(itemKey(key)), after) });
    if (after === undefined) items.delete(itemKey(key));
    else items.set(itemKey(key), after);
  }
  const path = join(folder, 'changes.archive');
  const contents = { kind: 'changes', table: tableNumber, fromLsn: 0, toLsn: 0 } as const;
  await writeArchive(path, { changes, contents });
  return { plan: { base, changes: [path], table: tableNumber, through: { sequence: 510 } }, items };
}

function keyOf(i: number): string {
  return joinKey(`customer ${i}`, '');
}
