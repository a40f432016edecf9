import { afterEach, describe, expect, test } from 'vitest';
import { HistoryEngine } from './history-harness.ts';

let engine: HistoryEngine;

afterEach(() => engine.remove());

const text = 'x'.repeat(300);

describe('a history', () => {
  test('brings back every second, from files, bases and the end of the log', async () => {
    engine = await HistoryEngine.open({ pitrBaseBytesMin: 4096 });
    await engine.createTable('Tab');
    await engine.put('Tab', 'before', '0');
    engine.advance(1500);
    const { enabledMs } = await engine.enable('Tab');
    for (let i = 0; i < 60; i++) {
      await engine.put('Tab', `${i % 7}`, `${i} ${text}`);
      if (i % 5 === 4) await engine.delete('Tab', `${i % 3}`);
      engine.advance(700);
      if (i % 11 === 0) await engine.histories.wake();
    }
    await engine.histories.wake();
    const { earliestMs, latestMs } = engine.histories.restorable(engine.definition('Tab'), engine.nowMs) ?? {
      earliestMs: 0,
      latestMs: 0,
    };
    expect(earliestMs).toBe(Math.floor(enabledMs / 1000) * 1000);
    for (let ms = earliestMs; ms <= latestMs; ms += 1000) {
      expect(await engine.restored('Tab', ms + 999)).toEqual(engine.model.at('Tab', ms + 999));
    }
    expect(engine.histories.stats().tables[0]?.bases).toBeGreaterThan(1);
  });
});
