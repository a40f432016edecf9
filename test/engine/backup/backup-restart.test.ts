import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { finishBackup, partialPath, readBackup } from '../../../engine/backup/backup-store.ts';
import { checkDataDirectory } from '../../../engine/check.ts';
import type { EngineOptions } from '../../../engine/engine-options.ts';
import { systemClock } from '../../../protocol/clock.ts';
import { TestEngine } from '../engine-harness.ts';
import {
  backUp,
  backupsOf,
  put,
  recoveryOf,
  refusalOf,
  switchRecovery,
  untilAvailable,
  valuesOf,
  waiting,
} from './backup-engine.ts';

const dayMs = 24 * 60 * 60 * 1000;

async function openEngine(options: Partial<EngineOptions> = {}): Promise<TestEngine> {
  const engine = await TestEngine.open(options);
  onTestFinished(() => engine.remove());
  return engine;
}

/** A clock that can be set forward. */
function movableClock() {
  let aheadMs = 0;
  return {
    now: () => systemClock.now() + aheadMs,
    monotonic: () => systemClock.monotonic() + aheadMs,
    forward: (ms: number) => {
      aheadMs += ms;
    },
  };
}

test('backups are there after a restart, and can be restored twice', async () => {
  const engine = await openEngine();
  await engine.createTable('source');
  for (let i = 0; i < 50; i++) await put(engine, 'source', `k${i}`, i);
  const BackupArn = await backUp(engine, 'source');
  const before = await valuesOf(engine, 'source');
  await engine.call('DeleteTable', { TableName: 'source' });
  await engine.reopen();
  for (const TargetTableName of ['first', 'second']) {
    await engine.call('RestoreTableFromBackup', { BackupArn, TargetTableName });
    await engine.untilStatus(TargetTableName, 'ACTIVE');
    expect(await valuesOf(engine, TargetTableName)).toEqual(before);
  }
});

test('a backup under writes is what one moment of them has left', async () => {
  const engine = await openEngine();
  await engine.createTable('source');
  // Each write says how many there were before it, so a state says how many it has seen.
  let written = 0;
  let isWriting = true;
  const writer = (async () => {
    while (isWriting) await put(engine, 'source', `k${written % 97}`, written++);
  })();
  await delay(50);
  const acknowledged = written;
  const BackupArn = await backUp(engine, 'source');
  isWriting = false;
  await writer;
  await engine.call('RestoreTableFromBackup', { BackupArn, TargetTableName: 'restored' });
  await engine.untilStatus('restored', 'ACTIVE');
  const restored = await valuesOf(engine, 'restored');
  const last = Math.max(...restored.values());
  expect(last + 1).toBeGreaterThanOrEqual(acknowledged - 1);
  const model = new Map<string, number>();
  for (let i = 0; i <= last; i++) model.set(`k${i % 97}`, i);
  expect(restored).toEqual(model);
});

test('a backup that is being made when the engine closes is not there afterwards', async () => {
  const engine = await openEngine();
  await engine.createTable('source');
  await put(engine, 'source', 'a', 1);
  await engine.call('CreateBackup', { TableName: 'source', BackupName: 'nightly' });
  await engine.reopen();
  expect(await backupsOf(engine, 'source')).toEqual([]);
  await backUp(engine, 'source');
  expect(await backupsOf(engine, 'source')).toHaveLength(1);
});

test('a restore that is under way when the engine closes begins anew', async () => {
  const engine = await openEngine();
  await engine.createTable('source');
  for (let i = 0; i < 200; i++) await put(engine, 'source', `k${i}`, i);
  await switchRecovery(engine, 'source', true);
  const BackupArn = await backUp(engine, 'source');
  await engine.call('RestoreTableFromBackup', { BackupArn, TargetTableName: 'from-backup' });
  await engine.call('RestoreTableToPointInTime', {
    SourceTableName: 'source',
    TargetTableName: 'from-history',
    UseLatestRestorableTime: true,
  });
  await engine.reopen();
  const source = await valuesOf(engine, 'source');
  for (const name of ['from-backup', 'from-history']) {
    await engine.untilStatus(name, 'ACTIVE');
    expect(await valuesOf(engine, name)).toEqual(source);
  }
  await engine.engine.close();
  expect((await checkDataDirectory(engine.directory)).problems).toEqual([]);
  await engine.reopen();
});

test('a restore that was admitted begins anew, whatever the latest moment is now', async () => {
  const clock = movableClock();
  const options = { clock, pitrLagMs: 0 };
  const engine = await openEngine(options);
  await engine.createTable('source');
  await switchRecovery(engine, 'source', true);
  clock.forward(5000);
  await put(engine, 'source', 'a', 1);
  clock.forward(5000);
  await engine.call('RestoreTableToPointInTime', {
    SourceTableName: 'source',
    TargetTableName: 'restored',
    UseLatestRestorableTime: true,
  });
  options.pitrLagMs = 300_000;
  await engine.reopen();
  await engine.untilStatus('restored', 'ACTIVE');
  expect(await valuesOf(engine, 'restored')).toEqual(new Map([['a', 1]]));
});

test('a moment that is not over for long, as the clock was set back, is refused', async () => {
  const clock = movableClock();
  clock.forward(3_600_000);
  const engine = await openEngine({ clock });
  await engine.createTable('source');
  await switchRecovery(engine, 'source', true);
  clock.forward(-3_600_000);
  const restore = engine.call('RestoreTableToPointInTime', {
    SourceTableName: 'source',
    TargetTableName: 'restored',
    UseLatestRestorableTime: true,
  });
  expect(await refusalOf(restore)).toMatch(
    /^ServiceUnavailable: The clock of the server was set back: .* in 3\d\d\d seconds only/,
  );
});

test('recovery and its window are the same after a restart', async () => {
  const engine = await openEngine();
  await engine.createTable('source');
  await switchRecovery(engine, 'source', true, 7);
  const before = await recoveryOf(engine, 'source');
  await engine.reopen();
  const after = await recoveryOf(engine, 'source');
  expect(after).toMatchObject({
    PointInTimeRecoveryStatus: 'ENABLED',
    RecoveryPeriodInDays: 7,
    EarliestRestorableDateTime: before.EarliestRestorableDateTime,
  });
});

test('a restore that waits for its moment is refused when recovery is switched off', async () => {
  const engine = await openEngine();
  await engine.createTable('source');
  await switchRecovery(engine, 'source', true);
  const restore = engine.call('RestoreTableToPointInTime', {
    SourceTableName: 'source',
    TargetTableName: 'restored',
    UseLatestRestorableTime: true,
  });
  const refusal = refusalOf(restore);
  await switchRecovery(engine, 'source', false);
  expect(await refusal).toBe(
    "PointInTimeRecoveryUnavailableException: Point in time recovery is not enabled for table 'source'",
  );
  expect(await refusalOf(engine.call('DescribeTable', { TableName: 'restored' }))).toContain('not found');
});

test('a longer period does not bring back what a shorter one has let go', async () => {
  const clock = movableClock();
  const engine = await openEngine({ clock });
  await engine.createTable('source');
  await switchRecovery(engine, 'source', true);
  const enabled = (await recoveryOf(engine, 'source')).EarliestRestorableDateTime;
  clock.forward(10 * dayMs);
  expect((await recoveryOf(engine, 'source')).EarliestRestorableDateTime).toBe(enabled);
  const earliestDaysAgo = async () => {
    const { EarliestRestorableDateTime: seconds = 0 } = await recoveryOf(engine, 'source');
    return Math.round((clock.now() / 1000 - seconds) / (dayMs / 1000));
  };
  await switchRecovery(engine, 'source', true, 3);
  expect(await earliestDaysAgo()).toBe(3);
  await switchRecovery(engine, 'source', true, 35);
  expect(await earliestDaysAgo()).toBe(3);
  clock.forward(2 * dayMs);
  expect(await earliestDaysAgo()).toBe(5);
});

test('the backup of a deleted table is made by the next process where this one has not', async () => {
  const engine = await openEngine();
  await engine.createTable('source');
  await put(engine, 'source', 'a', 1);
  await switchRecovery(engine, 'source', true);
  await engine.call('DeleteTable', { TableName: 'source' });
  await engine.reopen();
  await engine.untilStatus('source', undefined);
  const [left, ...others] = await backupsOf(engine, 'source');
  expect(others).toEqual([]);
  expect(left).toMatchObject({ BackupName: 'source$DeletedTableBackup', BackupStatus: 'AVAILABLE' });
  await engine.reopen();
  await engine.call('RestoreTableFromBackup', { BackupArn: left?.BackupArn, TargetTableName: 'source' });
  await engine.untilStatus('source', 'ACTIVE');
  expect(await valuesOf(engine, 'source')).toEqual(new Map([['a', 1]]));
});

test('a table that is being created takes no backups, nor one that is hardly ACTIVE', async () => {
  const controlPlaneDelayMs = 300;
  const engine = await openEngine({ controlPlaneDelayMs });
  const createdMs = Date.now();
  const created = engine.createTable('source');
  const create = () => refusalOf(engine.call('CreateBackup', { TableName: 'source', BackupName: 'nightly' }));
  const enable = () => refusalOf(switchRecovery(engine, 'source', true));
  const missing = 'TableNotFoundException: Table not found: source';
  await engine.untilStatus('source', 'CREATING');
  expect(await create()).toBe(missing);
  expect(await enable()).toBe(missing);
  expect(await refusalOf(recoveryOf(engine, 'source'))).toBe(missing);
  await created;
  const early = [await create(), await enable()];
  if (Date.now() < createdMs + 2 * controlPlaneDelayMs) {
    const text = 'Backups are being enabled for the table: source. Please retry later';
    expect(early).toEqual(Array(2).fill(`ContinuousBackupsUnavailableException: ${text}`));
  }
  await expect.poll(create, waiting).toBe('accepted');
  await expect.poll(enable, waiting).toBe('accepted');
});

test('a table that is DELETING takes backups, and leaves none where recovery is switched off then', async () => {
  const engine = await openEngine({ controlPlaneDelayMs: 250 });
  await engine.createTable('source');
  await put(engine, 'source', 'a', 1);
  await expect.poll(() => refusalOf(switchRecovery(engine, 'source', true)), waiting).toBe('accepted');
  await engine.call('DeleteTable', { TableName: 'source' });
  await switchRecovery(engine, 'source', false);
  const { BackupDetails: last } = await engine.call<{ BackupDetails: { BackupArn: string } }>(
    'CreateBackup',
    {
      TableName: 'source',
      BackupName: 'last',
    },
  );
  await engine.untilStatus('source', undefined);
  await untilAvailable(engine, last.BackupArn);
  expect((await backupsOf(engine, 'source')).map(({ BackupName: name }) => name)).toEqual(['last']);
});

test('50 tables are restored at once, and no more', async () => {
  const engine = await openEngine();
  await engine.createTable('source');
  await put(engine, 'source', 'a', 1);
  const arns = await copiesOf(await backUp(engine, 'source'), join(engine.directory, 'backups'), 52);
  const answers = await Promise.all(
    arns.map((BackupArn, i) =>
      refusalOf(engine.call('RestoreTableFromBackup', { BackupArn, TargetTableName: `restored-${i}` })),
    ),
  );
  const refused = answers.filter((answer) => answer !== 'accepted');
  expect(new Set(refused)).toEqual(
    new Set([
      'LimitExceededException: Subscriber limit exceeded: Only 50 restore operations can be done simultaneously',
    ]),
  );
  expect(refused).toHaveLength(2);
});

/** Puts copies of a backup beside it. @returns their ARNs */
async function copiesOf(arn: string, directory: string, count: number): Promise<string[]> {
  const [stem = '', id = ''] = arn.split('/backup/');
  const manifest = await readBackup(join(directory, id));
  const arns: string[] = [];
  for (let i = 0; i < count; i++) {
    const copy = { ...manifest, id: `${id.slice(0, 14)}-${i.toString(16).padStart(8, '0')}` };
    await mkdir(partialPath(directory, copy.id));
    await copyFile(
      join(directory, id, 'items.archive'),
      join(partialPath(directory, copy.id), 'items.archive'),
    );
    await finishBackup(directory, copy);
    arns.push(`${stem}/backup/${copy.id}`);
  }
  return arns;
}

test('a manifest that was made to do harm does none', async () => {
  const engine = await openEngine();
  await engine.createTable('source');
  const BackupArn = await backUp(engine, 'source');
  const folder = join(engine.directory, 'backups', BackupArn.replace(/.*\//, ''));
  const manifest = await readBackup(folder);
  const harmful: object[] = [
    { table: { ...manifest.table, keySchema: [] } },
    { table: { ...manifest.table, keySchema: [{ AttributeName: 'q', KeyType: 'HASH' }] } },
    { table: { ...manifest.table, indexes: [{ kind: 'GLOBAL', name: 'index', keySchema: [] }] } },
    { table: { ...manifest.table, indexes: null } },
    { table: { ...manifest.table, billing: null } },
    { archive: null },
    { createdMs: null },
    { through: null },
  ];
  for (const [i, harm] of harmful.entries()) {
    const id = manifest.id.replace(/.{8}$/, `0000000${i}`);
    await mkdir(partialPath(join(engine.directory, 'backups'), id));
    await copyFile(
      join(folder, 'items.archive'),
      join(partialPath(join(engine.directory, 'backups'), id), 'items.archive'),
    );
    await finishBackup(join(engine.directory, 'backups'), { ...manifest, ...harm, id });
    const restore = { BackupArn: BackupArn.replace(manifest.id, id), TargetTableName: `restored-${i}` };
    expect(await refusalOf(engine.call('RestoreTableFromBackup', restore))).not.toBe('accepted');
    await put(engine, 'source', `k${i}`, i);
    expect(engine.engine.diskUse().parts.backups).toBeGreaterThan(0);
    await engine.reopen();
    expect((await backupsOf(engine, 'source')).map(({ BackupArn: arn }) => arn)).toContain(BackupArn);
  }
});
