import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { itemSize } from '../protocol/attribute-value.ts';
import { canonicalKey } from '../protocol/key.ts';
import { numbersOf, type Table } from './catalog.ts';
import { CollectionCheck } from './collection-check.ts';
import { openDataDirectory } from './data-directory.ts';
import { DataLock } from './data-lock.ts';
import { nodeFiles } from './files.ts';
import { IndexCheck } from './index-check.ts';
import { parseItem } from './item-json.ts';
import type { Replay } from './log/recovery.ts';
import { type LogReport, scanLog } from './log/scan.ts';
import { Recovery } from './recovery.ts';
import {
  decodeValue,
  StateDamagedError,
  type StateKey,
  stateKey,
  tableOfKey,
  tablePrefix,
} from './state/layout.ts';
import { State } from './state/state.ts';
import { Store } from './state/store.ts';

export interface CheckReport {
  /** What was looked at, in lines for people. */
  readonly summary: readonly string[];
  /** What is wrong, one line each, naming the place; none if the folder is sound. */
  readonly problems: readonly string[];
}

/**
 * Reads everything in a data folder that no process has open and changes nothing: the log's batches and their chain,
 * every value in LMDB against its checksum, and, with what the log adds, that every item lies under its own key and
 * has the size that is noted, that every index has exactly the entries that follow from the items, and that the counts
 * of tables and indexes and the sizes of item collections are true.
 * @throws DataDirectoryInUseError, DataDirectoryError
 */
export async function checkDataDirectory(root: string): Promise<CheckReport> {
  const directory = openDataDirectory(root);
  if (!existsSync(join(directory.state, 'data.mdb'))) {
    return {
      summary: [],
      problems: [`${directory.state} has no data.mdb, the items that the log has handed over`],
    };
  }
  const lock = DataLock.acquire(root);
  const store = Store.open(directory.state, { readOnly: true });
  try {
    const report = new Report();
    report.addStoredValues(store);
    const recovery = new Recovery(store);
    if (existsSync(directory.log)) report.addLog(await scan(directory.log, recovery));
    if (report.problems.length === 0) report.addTables(recovery, new State(recovery.overlay, store));
    return report;
  } catch (error) {
    if (error instanceof StateDamagedError) return { summary: [], problems: [error.message] };
    throw error;
  } finally {
    await store.close();
    lock.release();
  }
}

function scan(directory: string, recovery: Recovery): Promise<LogReport> {
  const replay: Replay = (entries, endLsn) => recovery.replay(entries, endLsn);
  return scanLog(nodeFiles, directory, recovery.position.lsn, replay);
}

class Report implements CheckReport {
  readonly summary: string[] = [];
  readonly problems: string[] = [];
  /** Of tables and indexes that have something in LMDB. */
  readonly #numbers = new Set<number>();

  addLog({ segments, problems, unfinishedBytes }: LogReport): void {
    const entries = segments.reduce((sum, segment) => sum + segment.entries, 0);
    this.summary.push(`log: ${segments.length} segments, ${entries} entries`);
    if (unfinishedBytes > 0)
      this.summary.push(`log: ${unfinishedBytes} bytes at its end are kept free, or were never acknowledged`);
    for (const problem of problems) this.#problem(problem.message);
  }

  addStoredValues(store: Store): void {
    let values = 0;
    for (const { key, value } of store.rawRange('', allKeysEnd)) {
      values++;
      this.#numbers.add(tableOfKey(key));
      this.#expectIntact(key, value);
    }
    this.summary.push(`state: ${values} items, index entries and sizes of item collections`);
  }

  addTables(recovery: Recovery, state: State): void {
    const known = new Set(recovery.droppedTables);
    for (const table of recovery.catalog.all()) {
      for (const number of numbersOf(table.definition)) known.add(number);
      if (table.definition.loading === undefined) this.#addTable(table, recovery, state);
      else this.#addLoadingTable(table);
    }
    for (const number of this.#numbers) {
      if (!known.has(number))
        this.#problem(`items lie under the number ${number}, which no table or index has`);
    }
  }

  /** What is there of it is never served: it is removed when an engine opens the folder, and the load begins anew. */
  #addLoadingTable({ name }: Table): void {
    this.summary.push(`table ${name}: is being restored or imported`);
  }

  #addTable(table: Table, { statistics }: Recovery, state: State): void {
    let itemCount = 0;
    let sizeBytes = 0;
    const indexes = new IndexCheck(table, state, statistics);
    const collections = new CollectionCheck(table, state);
    for (const [key, item] of state.range(tablePrefix(table.number), tablePrefix(table.number + 1), false)) {
      itemCount++;
      sizeBytes += item.size;
      const parsed = parseItem(item);
      if (stateKey(table.number, canonicalKey(table.schema, parsed)) !== key) {
        this.#problem(`table ${table.name}: an item lies under the key of another one: ${hex(key)}`);
      }
      if (itemSize(parsed) !== item.size)
        this.#problem(`table ${table.name}: wrong item size at ${hex(key)}`);
      for (const problem of indexes.problemsOfItem(key, parsed)) this.#problem(problem);
      for (const problem of collections.problemsOfItem(key, item.size, parsed)) this.#problem(problem);
    }
    for (const problem of indexes.problemsOfEntries()) this.#problem(problem);
    for (const problem of collections.problemsOfRows()) this.#problem(problem);
    const noted = statistics.of(table.number);
    this.summary.push(`table ${table.name}: ${itemCount} items, ${sizeBytes} bytes`);
    if (noted.itemCount === itemCount && noted.sizeBytes === sizeBytes) return;
    this.#problem(
      `table ${table.name}: noted are ${noted.itemCount} items and ${noted.sizeBytes} bytes, ` +
        `found ${itemCount} and ${sizeBytes}`,
    );
  }

  #expectIntact(key: StateKey, value: Buffer): void {
    try {
      decodeValue(key, value);
    } catch (error) {
      if (!(error instanceof StateDamagedError)) throw error;
      this.#problem(`${error.message} (table number ${tableOfKey(key)})`);
    }
  }

  /** One broken disk makes many lines; the first ones tell. */
  #problem(text: string): void {
    if (this.problems.length < problemsMax) this.problems.push(text);
    else if (this.problems.length === problemsMax) this.problems.push('and more');
  }
}

const problemsMax = 100;

/** Behind every key: none begins with four bytes 255, as table numbers stay far below. */
const allKeysEnd = '\xff\xff\xff\xff';

function hex(key: string): string {
  return Buffer.from(key, 'latin1').toString('hex');
}
