import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LatencyRound } from '../../bench/history/backup-latency.ts';
import { renderHistory } from '../../bench/history/history.ts';
import { historyItem } from '../../bench/history/item.ts';
import {
  backUp,
  checkWritten,
  fillHistoryTable,
  restoreBackup,
  restoreLatest,
  TABLE,
  writeItems,
} from '../../bench/history/table.ts';
import { ITEM_BYTES } from '../../bench/item.ts';
import { switchOn } from '../../bench/store.ts';
import { itemSize } from '../../protocol/attribute-value.ts';
import { Program, root } from '../program.ts';

const KEYS = 400;

describe('the items of histories', () => {
  it.each([0, 1, 99, 4_711, 9_999_999])('have 600 bytes, as the one of write %i', (number) => {
    expect(itemSize(historyItem(number, KEYS))).toBe(ITEM_BYTES);
  });

  it('are the same for the same write, and have little in common for two', () => {
    expect(historyItem(7, KEYS)).toEqual(historyItem(7, KEYS));
    const [one, other] = [textOf(7), textOf(7 + KEYS)];
    const common = [...one].filter((char, i) => char === other[i]).length;
    expect(common / one.length).toBeGreaterThan(0.4);
    expect(common / one.length).toBeLessThan(0.6);
    expect(historyItem(7, KEYS).pk).toEqual(historyItem(7 + KEYS, KEYS).pk);
  });
});

describe('a table whose past is kept', () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipstream-'));
  const data = join(directory, 'data');
  const program = Program.run(['engine', '--data', data, '--port', '0']);
  let port = 0;

  beforeAll(async () => {
    port = Number(new URL(await program.ready()).port);
    await fillHistoryTable(port, KEYS);
  });

  afterAll(async () => {
    await program.end('SIGTERM');
    rmSync(directory, { recursive: true });
  });

  it('comes back as it was backed up, whatever was written since', async () => {
    const arn = await backUp(port, 'one');
    await switchOn(port, TABLE, 'recovery');
    await writeItems(port, KEYS, KEYS, KEYS + 30);
    await restoreBackup(port, arn, 'restored');
    await checkWritten(port, 'restored', KEYS, KEYS);
    await expect(checkWritten(port, 'restored', KEYS, KEYS + 30)).rejects.toThrow();
    await checkWritten(port, TABLE, KEYS, KEYS + 30);
  });

  it('comes back from its history with what was written last', async () => {
    await sleep(1_100); // The second of the last write has to be over.
    await restoreLatest(port, 'latest');
    await checkWritten(port, 'latest', KEYS, KEYS + 30);
  });

  it('is what a bare scan of LMDB finds', async () => {
    await program.end('SIGTERM');
    const script = join(root, 'dist', 'bench', 'history', 'bare-scan.js');
    const output = execFileSync(process.execPath, [script, join(data, 'state')], { encoding: 'utf8' });
    expect(JSON.parse(output)).toEqual({ items: KEYS, ms: expect.any(Number) });
  });
});

describe('the report', () => {
  it('is empty where nothing was measured', () => {
    expect(renderHistory({})).toBeUndefined();
  });

  it('measures backups and restores by the bare scan of their round', () => {
    const rounds = [
      { scanMs: 40, backupMs: 100, restoreMs: 200 },
      { scanMs: 60, backupMs: 120, restoreMs: 240 },
    ];
    const text = renderHistory({ backup: { items: 1_000, rounds } });
    expect(text).toMatch(/^ {2}bare scan of LMDB +13 \(10\.\.15\)$/m);
    expect(text).toMatch(/^ {2}backup +6 \(5\.\.6\) +0\.45 \(0\.40\.\.0\.50\) +at least 0\.4 +reached$/m);
    expect(text).toMatch(/^ {2}restore .* 0\.23 \(0\.20\.\.0\.25\) +at least 0\.4 +missed$/m);
  });

  it('measures latencies by the same load without backups', () => {
    const duringBackup = [latencyRound(1, 100, 150), latencyRound(1, 100, 250), latencyRound(16, 10, 30)];
    const text = renderHistory({ duringBackup });
    expect(text).toMatch(/^ {2}PutItem, 1 connection +100 .* 2\.00 \(1\.50\.\.2\.50\) +at most 2 +reached$/m);
    expect(text).toMatch(/^ {2}PutItem, 16 connections .* 3\.00 \(3\.00\.\.3\.00\) +at most 2 +missed$/m);
  });

  it('measures restores after a long history by those after a short one, and what a change takes', () => {
    const short = { changesMin: 1_000, changesMax: 1_000, restoresMs: [10, 30, 20] };
    const long = { changesMin: 10_000, changesMax: 10_200, restoresMs: [24, 36, 30] };
    const disk = { changes: 10_200, changeBytes: 5_100_000, baseBytes: 102_000, bases: 3 };
    const text = renderHistory({ historyLength: { items: 1_000, short, long, disk } });
    expect(text).toMatch(/^ {2}after 1,000 changes +20 \(10\.\.30\)$/m);
    expect(text).toMatch(
      /^ {2}after 10,000 to 10,200 changes .* 1\.50 \(1\.20\.\.1\.80\) +at most 1\.5 +reached$/m,
    );
    expect(text).toContain('for each: 500 bytes of changes, 10 of 3 bases');
  });
});

function textOf(number: number): string {
  const { payload } = historyItem(number, KEYS);
  return payload !== undefined && 'S' in payload ? payload.S : '';
}

function latencyRound(connections: number, idle: number, withBackups: number): LatencyRound {
  const latency = (p99: number) => ({ p50: 1, p90: 1, p99, p999: p99, max: p99 });
  return {
    load: 'PutItem',
    connections,
    idleUs: latency(idle),
    backupUs: latency(withBackups),
    backups: 1,
  };
}
