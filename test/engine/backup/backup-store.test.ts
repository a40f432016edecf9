import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  BackupDamagedError,
  decodeManifest,
  encodeManifest,
} from '../../../engine/backup/backup-manifest.ts';
import { BackupStore } from '../../../engine/backup/backup-store.ts';
import { temporaryFolder } from '../history/archive-harness.ts';
import { filesIn, loggerOf, writeBackup } from './backup-harness.ts';

const id = '01791504762511-2779fadd';
const otherId = '01791504762512-00c0ffee';

test('a manifest is read as it was written', async () => {
  const manifest = await writeBackup(temporaryFolder(), id);
  expect(decodeManifest(encodeManifest(manifest), 'm')).toEqual(manifest);
});

test('every flipped, missing or added byte of a manifest is damage, and the file is named', async () => {
  const text = Buffer.from(encodeManifest(await writeBackup(temporaryFolder(), id)));
  const damaged = function* (): Generator<Buffer> {
    for (let at = 0; at < text.length; at++) {
      const flipped = Buffer.from(text);
      flipped[at] = (text[at] ?? 0) ^ (1 << (at % 8));
      yield flipped;
      yield Buffer.concat([text.subarray(0, at), text.subarray(at + 1)]);
      yield Buffer.concat([text.subarray(0, at), Buffer.from(' '), text.subarray(at)]);
    }
  };
  for (const bytes of damaged()) {
    const read = () => decodeManifest(bytes.toString(), 'some/manifest.json');
    expect(read).toThrow(BackupDamagedError);
    expect(read).toThrow('some/manifest.json: ');
  }
});

test('a manifest of a later version is named as such', () => {
  const text = JSON.stringify({ slipstream: 'backup', version: 2, backup: {} });
  expect(() => decodeManifest(text, 'm')).toThrow('m: has version 2, this program knows version 1');
});

test('what is whole is found after a restart, what is half-made is removed', async () => {
  const directory = temporaryFolder();
  const manifest = await writeBackup(directory, id);
  const store = await BackupStore.open(directory, loggerOf([]));
  await writeFile(await store.begin(otherId), 'half an archive');
  expect([...store.all()]).toEqual([manifest]);
  const reopened = await BackupStore.open(directory, loggerOf([]));
  expect([...reopened.all()]).toEqual([manifest]);
  expect(await filesIn(directory)).toEqual([`${id}/items.archive`, `${id}/manifest.json`]);
});

test('a backup that is put there appears with the next rescan, one that is taken away goes', async () => {
  const [directory, elsewhere] = [temporaryFolder(), temporaryFolder()];
  const manifest = await writeBackup(elsewhere, id);
  const store = await BackupStore.open(directory, loggerOf([]));
  await cp(join(elsewhere, id), join(directory, id), { recursive: true });
  expect(store.get(id)).toBeUndefined();
  await store.rescan();
  expect(store.get(id)).toEqual(manifest);
  await rm(join(directory, id), { recursive: true });
  await store.rescan();
  expect(store.get(id)).toBeUndefined();
});

test('a removed backup is not found any more, whatever is under way', async () => {
  const directory = temporaryFolder();
  await writeBackup(directory, id);
  const store = await BackupStore.open(directory, loggerOf([]));
  const rescans = [store.rescan(), store.rescan()];
  const removal = store.remove(id);
  expect(store.get(id)).toBeUndefined();
  await Promise.all(rescans);
  expect(store.get(id)).toBeUndefined();
  await removal;
  await store.rescan();
  expect(store.get(id)).toBeUndefined();
  expect(await filesIn(directory)).toEqual([]);
});

test('what cannot be read is logged once, and the others are served', async () => {
  const directory = temporaryFolder();
  const manifest = await writeBackup(directory, id);
  await writeBackup(directory, otherId);
  const path = join(directory, otherId, 'manifest.json');
  await writeFile(path, (await readFile(path, 'utf8')).replace('nightly', 'Nightly'));
  const logged: string[] = [];
  const store = await BackupStore.open(directory, loggerOf(logged));
  await store.rescan();
  expect([...store.all()]).toEqual([manifest]);
  expect(logged).toEqual(['a backup cannot be read, and is not served']);
});

test('what is on its way into the folder is served when it has come', async () => {
  const [directory, elsewhere] = [temporaryFolder(), temporaryFolder()];
  const manifest = await writeBackup(elsewhere, id);
  const logged: string[] = [];
  const store = await BackupStore.open(directory, loggerOf(logged));
  await mkdir(join(directory, id));
  await store.rescan();
  await store.rescan();
  expect(store.get(id)).toBeUndefined();
  await cp(join(elsewhere, id), join(directory, id), { recursive: true });
  await store.rescan();
  expect(store.get(id)).toEqual(manifest);
  expect(logged).toEqual(['a backup cannot be read, and is not served']);
});

test('a folder under the name of another backup is not served', async () => {
  const directory = temporaryFolder();
  await writeBackup(directory, id);
  await rename(join(directory, id), join(directory, otherId));
  await mkdir(join(directory, 'notes'));
  const store = await BackupStore.open(directory, loggerOf([]));
  expect([...store.all()]).toEqual([]);
});
