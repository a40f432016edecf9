import type { Registry } from 'prom-client';
import { labelledTablesMax } from './call-recorder.ts';
import { exportGauge, type Labels } from './exported.ts';

/** What a store keeps on its disk, in bytes. */
export interface DiskUse {
  /** By part: its log, its state, the history of its tables, its backups. */
  readonly parts: Readonly<Record<string, number>>;
  readonly history: readonly {
    readonly region: string;
    readonly tableName: string;
    readonly bytes: number;
  }[];
}

export function exportDisk(registry: Registry, use: () => DiskUse): void {
  exportGauge(registry, {
    name: 'slipstream_disk_bytes',
    help: 'What the engine keeps on its disk.',
    labels: ['part'],
    collect: () => Object.entries(use().parts).map(([part, bytes]) => [{ part }, bytes]),
  });
  exportGauge(registry, {
    name: 'slipstream_history_bytes',
    help: 'What point-in-time recovery keeps of a table, besides the log.',
    labels: ['region', 'table'],
    collect: () => byTable(use()),
  });
}

/** The biggest ones: as many as other metrics tell apart. */
function byTable({ history }: DiskUse): [Labels, number][] {
  return [...history]
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, labelledTablesMax)
    .map(({ region, tableName: table, bytes }) => [{ region, table }, bytes]);
}
