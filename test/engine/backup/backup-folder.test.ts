import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importBackups, verifyBackups } from '../../../engine/backup/backup-folder.ts';
import { BackupStore } from '../../../engine/backup/backup-store.ts';
import { temporaryFolder } from '../history/archive-harness.ts';
import { filesIn, listOf, loggerOf, writeBackup } from './backup-harness.ts';

const id = '01791504762511-2779fadd';
const otherId = '01791504762512-00c0ffee';

test('sound backups are told by their ARNs', async () => {
  const directory = temporaryFolder();
  await writeBackup(directory, otherId);
  await writeBackup(directory, id);
  expect(await listOf(verifyBackups(directory))).toEqual(
    [id, otherId].map((one) => ({
      folder: join(directory, one),
      backupArn: `arn:aws:dynamodb:us-east-1:000000000000:table/orders/backup/${one}`,
    })),
  );
});

test('every flipped byte of the items is found, and its place is named', async () => {
  const directory = temporaryFolder();
  await writeBackup(directory, id);
  const path = join(directory, id, 'items.archive');
  const sound = await readFile(path);
  for (let at = 0; at < sound.length; at++) {
    const flipped = Buffer.from(sound);
    flipped[at] = (sound[at] ?? 0) ^ (1 << (at % 8));
    await writeFile(path, flipped);
    const [verified] = await listOf(verifyBackups(join(directory, id)));
    expect(verified?.problem).toMatch(/items\.archive: (damaged at offset \d+|format version)/);
  }
});

test('missing, cut and exchanged files are found', async () => {
  const directory = temporaryFolder();
  await writeBackup(directory, id);
  await writeBackup(directory, otherId, 'other');
  const problems = async () =>
    (await listOf(verifyBackups(directory))).map(({ problem }) => problem ?? 'sound');
  const manifest = join(directory, id, 'manifest.json');
  await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('nightly', 'weekly'));
  expect(await problems()).toEqual([expect.stringContaining(`${manifest}: damaged`), 'sound']);
  await truncate(join(directory, otherId, 'items.archive'), 100);
  expect(await problems()).toEqual([expect.anything(), expect.stringContaining('damaged at offset')]);
  await rm(join(directory, otherId, 'items.archive'));
  expect(await problems()).toEqual([expect.anything(), expect.stringContaining('no such file')]);
});

test('a folder without backups is refused', async () => {
  const directory = temporaryFolder();
  await expect(listOf(verifyBackups(directory))).rejects.toThrow('there is no backup in this folder');
});

test('an import copies what is sound, and a running engine finds it', async () => {
  const [from, target] = [temporaryFolder(), join(temporaryFolder(), 'backups')];
  const manifest = await writeBackup(from, id);
  await writeBackup(from, otherId);
  await truncate(join(from, otherId, 'items.archive'), 100);
  const store = await BackupStore.open(target, loggerOf([]));
  const [imported, refused] = await listOf(importBackups(from, target));
  expect(imported).not.toHaveProperty('problem');
  expect(refused?.problem).toContain('damaged');
  await store.rescan();
  expect([...store.all()]).toEqual([manifest]);
  expect(await filesIn(target)).toEqual([`${id}/items.archive`, `${id}/manifest.json`]);
});

test('a backup that is there already stays, and another of its id is refused', async () => {
  const [from, other, target] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
  await writeBackup(from, id);
  await writeBackup(other, id, 'another');
  await listOf(importBackups(from, target));
  expect(await listOf(importBackups(from, target))).toMatchObject([{ isKnown: true }]);
  expect(await listOf(importBackups(join(other, id), target))).toMatchObject([
    { problem: `${target}: has another backup of the id ${id}` },
  ]);
});
