import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Files, nodeFiles } from '../../../engine/files.ts';
import type { ArchiveContents, SnapshotContents } from '../../../engine/history/archive-format.ts';
import type { ArchiveReader, ChangesRange } from '../../../engine/history/archive-reader.ts';
import { ArchiveWriter } from '../../../engine/history/archive-writer.ts';
import type { ArchivedChange } from '../../../engine/history/block.ts';
import type { LoadedRow } from '../../../engine/history/load-plan.ts';
import type { Image, ItemChange } from '../../../engine/log/record.ts';
import type { TableDefinition } from '../../../engine/table-definition.ts';

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const directory = mkdtempSync(join(tmpdir(), 'slipstream-history-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export const tableNumber = 7;

export function definition(members: Partial<TableDefinition> = {}): TableDefinition {
  return {
    number: tableNumber,
    id: '5a9a3d5e-0a6f-4c3e-8a59-7e6f8c3a9b10',
    region: 'us-east-1',
    name: 'orders',
    status: 'ACTIVE',
    createdMs: 1000,
    keySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
    attributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
    billing: {
      mode: 'PAY_PER_REQUEST',
      readUnits: 0,
      writeUnits: 0,
      decreasesToday: 0,
      payPerRequestChangesMs: [],
      warm: { readUnits: 12_000, writeUnits: 4000 },
    },
    deletionProtection: false,
    indexes: [],
    ...members,
  };
}

export function snapshotOf(members: Partial<SnapshotContents> = {}): SnapshotContents {
  const through = { sequence: 0, timeMs: 0 };
  return {
    kind: 'snapshot',
    from: through,
    through,
    itemCount: 0,
    sizeBytes: 0,
    table: definition(),
    ...members,
  };
}

export function image(text: string, size = text.length): Image {
  return { json: Buffer.from(text), size };
}

/** @param key canonical. */
export function changed(key: string, before: string | undefined, after: string | undefined): ItemChange {
  return {
    kind: 'item',
    table: tableNumber,
    key,
    ...(before !== undefined && { oldImage: image(before) }),
    ...(after !== undefined && { newImage: image(after) }),
  };
}

export interface ArchiveRows {
  readonly items?: readonly LoadedRow[];
  readonly changes?: readonly ArchivedChange[];
  readonly contents?: ArchiveContents;
  readonly files?: Files;
}

export async function writeArchive(
  path: string,
  { items = [], changes = [], contents = snapshotOf(), files = nodeFiles }: ArchiveRows,
): Promise<number> {
  const writer = await ArchiveWriter.create(path, files);
  for (const { key, image: item } of items) {
    if (item !== undefined) writer.addItem(key, item.size, item.json);
    await writer.drained();
  }
  for (const { change, ...moment } of changes) writer.addChange(moment, change);
  return writer.finish(contents);
}

/** Rows as text, which is compared and printed quickly. */
export function shownItems(rows: readonly LoadedRow[]): string[] {
  return rows.map(({ key, image: item }) => `${key} ${shownImage(item)}`);
}

export function shownChanges(rows: readonly ArchivedChange[]): string[] {
  return rows.map(({ sequence, timeMs, change }) => {
    if (change.kind === 'catalog') return `${sequence} ${timeMs} ${change.json}`;
    return `${sequence} ${timeMs} ${change.key} ${shownImage(change.oldImage)} > ${shownImage(change.newImage)}`;
  });
}

function shownImage(item: Image | undefined): string {
  return item === undefined ? 'none' : `${item.size} ${item.json.toString()}`;
}

export async function itemsOf(reader: ArchiveReader): Promise<LoadedRow[]> {
  const rows: LoadedRow[] = [];
  for await (const block of reader.items()) rows.push(...block);
  return rows;
}

export async function changesOf(reader: ArchiveReader, range?: ChangesRange): Promise<ArchivedChange[]> {
  const rows: ArchivedChange[] = [];
  for await (const block of reader.changes(range)) rows.push(...block);
  return rows;
}
