import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LoadedRow } from '../../../engine/history/load-plan.ts';
import { ItemLoader } from '../../../engine/loading/item-loader.ts';
import type { Slices } from '../../../engine/loading/slice-writer.ts';
import { Store } from '../../../engine/state/store.ts';
import type { StoreTransaction } from '../../../engine/state/transaction.ts';
import { storedItems } from '../stored-items.ts';

const table = 7;
const rowBytes = 1024 * 1024;
/** Of such rows, in their order. */
const rowsOfRun = 8;

let directory: string;
let store: Store;
let disk: SlowDisk;
let loader: ItemLoader;
/** How many rows have been asked for. */
let asked: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipstream-items-'));
  store = Store.open(directory, { readOnly: false, transactsAside: true });
  disk = new SlowDisk();
  loader = new ItemLoader(table, disk, async () => {});
  asked = 0;
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Syncs a slice when it is let. */
class SlowDisk implements Slices {
  /** Slices that LMDB has taken over, and of these the ones that are on disk. */
  taken = 0;
  synced = 0;
  #sync: () => void = () => {};
  #refuse: (error: Error) => void = () => {};

  async write(write: (transaction: StoreTransaction) => void): Promise<void> {
    await store.transactAside(write);
    this.taken++;
    await new Promise<void>((resolve, reject) => {
      this.#sync = resolve;
      this.#refuse = reject;
    });
    this.synced++;
  }

  sync(): void {
    this.#sync();
  }

  refuse(error: Error): void {
    this.#refuse(error);
  }
}

async function* rows(count: number, end = () => {}): AsyncGenerator<LoadedRow[]> {
  const json = Buffer.alloc(rowBytes, 'x');
  for (let i = 0; i < count; i++) {
    asked++;
    yield [{ key: String(i).padStart(4, '0'), image: { size: rowBytes, json } }];
  }
  end();
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

/** Long enough for what would go on to go on. */
async function turns(): Promise<void> {
  for (let i = 0; i < 100; i++) await nextTurn();
}

describe('while a run of rows is on its way to the disk', () => {
  test('the next one is filled, and no third one', async () => {
    const loading = loader.load(rows(3 * rowsOfRun));
    await until(() => disk.taken === 1);
    await turns();
    expect([asked, disk.taken]).toEqual([2 * rowsOfRun + 1, 1]);
    for (const synced of [1, 2, 3]) {
      disk.sync();
      await until(() => disk.synced === synced && disk.taken === Math.min(synced + 1, 3));
    }
    expect(await loading).toEqual({ itemCount: asked, sizeBytes: asked * rowBytes });
    store.refresh();
    expect(storedItems(store, '', '\xff', false)).toHaveLength(3 * rowsOfRun);
  });

  test('a failure of the disk ends the load', async () => {
    const loading = loader.load(rows(3 * rowsOfRun));
    await until(() => disk.taken === 1);
    disk.refuse(new Error('it does not spin'));
    await expect(loading).rejects.toThrow('it does not spin');
    expect(asked).toBeLessThan(3 * rowsOfRun);
  });

  test('a load that fails does not end before', async () => {
    const failing = rows(rowsOfRun + 1, () => {
      throw new Error('the next row is damaged');
    });
    let hasEnded = false;
    const loading = loader.load(failing).finally(() => {
      hasEnded = true;
    });
    loading.catch(() => {});
    await until(() => disk.taken === 1);
    await turns();
    expect(hasEnded).toBe(false);
    disk.sync();
    await expect(loading).rejects.toThrow('the next row is damaged');
    expect(disk.synced).toBe(1);
  });
});
