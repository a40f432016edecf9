import { expect, test } from 'vitest';
import { backupArnOf } from '../../../engine/backup/backup-manifest.ts';
import { DeletedTables } from '../../../engine/backup/deleted-tables.ts';
import { definition, temporaryFolder } from '../history/archive-harness.ts';
import { type BackupsWorld, filesIn, loggerOf, openBackups } from './backup-harness.ts';

const user = { name: 'nightly', type: 'USER' } as const;
const dayMs = 24 * 60 * 60 * 1000;
const recovery = { sequence: 5, enabledMs: 1000, recoveryPeriodInDays: 35, notBeforeMs: 1000 };

test('a backup is CREATING from its announcement on, and AVAILABLE when it is on disk', async () => {
  const { backups, snapshots } = await openBackups(temporaryFolder());
  const announced = backups.announce(definition(), user);
  const made = backups.make(announced);
  expect(backups.list('us-east-1')).toMatchObject([{ id: announced.id, status: 'CREATING' }]);
  expect(backups.manifest(announced.id)).toBeUndefined();
  await snapshots.begun(1);
  snapshots.go();
  const manifest = await made;
  expect(backups.find('us-east-1', 'orders', announced.id)).toMatchObject({
    status: 'AVAILABLE',
    itemCount: 3,
    sizeBytes: 6,
  });
  expect(backups.manifest(announced.id)).toEqual(manifest);
  await backups.close();
});

test('a backup is there when the log has durably what it has', async () => {
  const { backups, snapshots, power } = await openBackups(temporaryFolder());
  let sync = () => {};
  power.synced = new Promise((resolve) => {
    sync = resolve;
  });
  const announced = backups.announce(definition(), user);
  const made = backups.make(announced);
  await snapshots.begun(1);
  snapshots.go();
  const first = await Promise.race([made, new Promise((resolve) => setTimeout(resolve, 200, 'waits'))]);
  expect(first).toBe('waits');
  sync();
  expect(await made).toMatchObject({ id: announced.id });
  await backups.close();
});

test('a backup is seen in its region, under its table only', async () => {
  const { backups } = await openBackups(temporaryFolder());
  const { id } = backups.announce(definition(), user);
  expect(backups.find('eu-west-1', 'orders', id)).toBeUndefined();
  expect(backups.find('us-east-1', 'others', id)).toBeUndefined();
  expect(backups.list('eu-west-1')).toEqual([]);
});

test('two are made at once, the others wait in their order', async () => {
  const { backups, snapshots } = await openBackups(temporaryFolder());
  const makings = ['aaa', 'bbb', 'ccc', 'ddd'].map((name) =>
    backups.make(backups.announce(definition({ name }), user)),
  );
  await snapshots.begun(2);
  expect(snapshots.taken.toSorted()).toEqual(['aaa', 'bbb']);
  snapshots.go();
  await Promise.race(makings);
  await snapshots.begun(3);
  expect(snapshots.taken.slice(2)).toEqual(['ccc']);
  snapshots.go();
  await snapshots.begun(4);
  snapshots.go();
  snapshots.go();
  await Promise.all(makings);
  expect(backups.list('us-east-1').map(({ status }) => status)).toEqual(Array(4).fill('AVAILABLE'));
  await backups.close();
});

test('more than 500 at once are refused', async () => {
  const { backups } = await openBackups(temporaryFolder());
  for (let i = 0; i < 500; i++) backups.announce(definition(), user);
  expect(() => backups.announce(definition(), user)).toThrow('Subscriber limit exceeded');
});

test('a backup that fails is gone, and so is what was made of it', async () => {
  const directory = temporaryFolder();
  const { backups, snapshots } = await openBackups(directory);
  const announced = backups.announce(definition(), user);
  const made = backups.make(announced);
  await snapshots.begun(1);
  snapshots.fail(new Error('no space left'));
  await expect(made).rejects.toThrow('no space left');
  expect(backups.list('us-east-1')).toEqual([]);
  expect(await filesIn(directory)).toEqual([]);
  expect(backups.reads(definition().number)).toBe(false);
});

test('closing gives up what is being made and what waits, and leaves nothing', async () => {
  const directory = temporaryFolder();
  const { backups, snapshots } = await openBackups(directory);
  const makings = [1, 2, 3].map(() => backups.make(backups.announce(definition(), user)));
  const outcomes = Promise.allSettled(makings);
  await snapshots.begun(2);
  await backups.close();
  expect((await outcomes).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
  expect(await filesIn(directory)).toEqual([]);
});

test('a table is held until its backups are made', async () => {
  const { backups, catalog, snapshots } = await openBackups(temporaryFolder());
  const tables = new DeletedTables({ catalog, backups, log: loggerOf([]) });
  const table = definition({ status: 'DELETING' });
  expect(tables.holds(table)).toBe(false);
  const made = backups.make(backups.announce(table, user));
  expect(tables.holds(table)).toBe(true);
  const released = tables.released(table);
  await snapshots.begun(1);
  snapshots.go();
  await Promise.all([released, made]);
  expect(tables.holds(table)).toBe(false);
});

/** A table with recovery that is being deleted. */
async function deleting(directory = temporaryFolder()) {
  const world = await openBackups(directory);
  const table = definition({ status: 'DELETING', pointInTime: recovery });
  world.catalog.restore(table);
  const tables = new DeletedTables({ ...world, log: loggerOf(world.logged) });
  return { ...world, directory, tables, table };
}

function systemBackups({ backups }: BackupsWorld) {
  return backups.list('us-east-1').filter(({ type }) => type === 'SYSTEM');
}

test('a table with recovery leaves one backup, which expires after 35 days', async () => {
  const world = await deleting();
  const { tables, table, snapshots, clock, backups } = world;
  expect(tables.holds(table)).toBe(true);
  const both = Promise.all([tables.released(table), tables.released(table)]);
  await snapshots.begun(1);
  snapshots.go();
  await both;
  expect(tables.holds(table)).toBe(false);
  const [backup, ...others] = systemBackups(world);
  expect(others).toEqual([]);
  expect(backup).toMatchObject({
    id: '01791504762511-00000000',
    name: 'orders$DeletedTableBackup',
    expiresMs: clock.nowMs + 35 * dayMs,
    status: 'AVAILABLE',
  });
  await tables.released(table);
  expect(snapshots.taken).toHaveLength(1);
  clock.nowMs += 35 * dayMs;
  expect(systemBackups(world)).toEqual([]);
  await backups.close();
});

test('a backup that has expired is removed on a start, unless a table is being restored from it', async () => {
  const world = await deleting();
  const { tables, table, snapshots, clock, directory } = world;
  const released = tables.released(table);
  await snapshots.begun(1);
  snapshots.go();
  await released;
  await world.backups.close();
  const laterMs = clock.nowMs + 35 * dayMs;
  const [backup] = systemBackups(world);
  if (backup === undefined) throw new Error('there is no backup');
  const loading = {
    kind: 'restore' as const,
    sourceTableArn: '',
    sourceBackupArn: backupArnOf(backup),
    restoreMs: 1,
  };
  const restored = definition({ number: 8, name: 'restored', status: 'CREATING', loading });
  const restoring = await openBackups(directory, laterMs, [restored]);
  await restoring.store.rescan();
  expect(await filesIn(directory)).toHaveLength(2);
  await restoring.backups.close();
  const idle = await openBackups(directory, laterMs);
  await expect.poll(() => filesIn(directory)).toEqual([]);
  await idle.backups.close();
});

test('two tables that are deleted in one millisecond leave backups of different names', async () => {
  const { backups } = await openBackups(temporaryFolder());
  const ids = [1, 2].map(() => backups.announce(definition(), { name: 'n', type: 'SYSTEM' }).id);
  expect(ids).toEqual(['01791504762511-00000000', '01791504762512-00000000']);
});

test('recovery that is switched off while the table is DELETING lets it go without a backup', async () => {
  const world = await deleting();
  const { tables, table, catalog, directory, snapshots } = world;
  const released = tables.released(table);
  await snapshots.begun(1);
  const { pointInTime: _off, ...without } = table;
  catalog.restore(without);
  await tables.released(without);
  await released;
  expect(tables.holds(without)).toBe(false);
  expect(systemBackups(world)).toEqual([]);
  expect(await filesIn(directory)).toEqual([]);
  expect(world.logged).toEqual([]);
});

test('a backup that cannot be made holds the table, and closing does not wait for it', async () => {
  const { tables, table, snapshots, logged } = await deleting();
  const released = tables.released(table);
  await snapshots.begun(1);
  snapshots.fail(new Error('damaged'));
  await expect
    .poll(() => logged)
    .toEqual([expect.stringContaining('cannot make the backup that a deleted table leaves')]);
  expect(tables.holds(table)).toBe(true);
  tables.close();
  await released;
});
