import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DiskReserve } from '../../engine/disk-reserve.ts';
import { silentLogger } from '../silent-logger.ts';
import { TestEngine } from './engine-harness.ts';

describe('the disk reserve', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  test('refuses while there is less free than it keeps, and only then', async () => {
    let free = 100;
    const reserve = await DiskReserve.open({
      directory: '/data',
      reserveBytes: 100,
      log: silentLogger,
      freeBytes: async () => free,
    });
    expect(reserve.refusal).toBeUndefined();
    free = 99;
    await vi.advanceTimersByTimeAsync(500);
    expect(reserve.refusal).toMatch(/\/data has less than 100 bytes free.*Free some space/);
    free = 100;
    await vi.advanceTimersByTimeAsync(500);
    expect(reserve.refusal).toBeUndefined();
    reserve.close();
  });
});

test('an engine on a disk that is nearly full refuses writes and answers reads', async () => {
  const engine = await TestEngine.open({ diskReserveBytes: Number.MAX_SAFE_INTEGER });
  expect(await engine.call('ListTables', {})).toEqual({ TableNames: [] });
  await expect(engine.createTable('Refused')).rejects.toMatchObject({ code: 'ServiceUnavailable' });
  await engine.remove();
});
