import { setTimeout as delay } from 'node:timers/promises';
import { named } from '../model/played-request.ts';
import { hashName, rangeName } from '../model/request.ts';
import { Scene } from '../model/scene.ts';
import { sweep } from '../model/sweep-step.ts';
import type { Table } from '../model/table.ts';
import { changeIndex, createTable, deleteTable, untilIndexes } from '../model/table-steps.ts';
import type { Item } from '../model/value.ts';
import type { HistoryStage } from './history-stage.ts';
import { dayInMs, oneOf, Past, type PastTable, secondInMs, secondOf, spread } from './past.ts';
import type { PastSequence, PastStep } from './past-generator.ts';
import { compareChanges, exportSecond, importTable, type TransferFormat } from './past-transfer.ts';
import { expectTable } from './restored.ts';
import { expectError, outputOf, outsideText, until } from './told.ts';

/** What a table is being restored from. */
interface Restore {
  readonly target: string;
  readonly expected: PastTable;
  /** What it was asked for, in words. */
  readonly of: string;
  /** Whether it could be begun anew now. */
  readonly canBegin: () => boolean;
  /** Another process has it now. */
  isBegunAnew: boolean;
  /** It may have had to begin anew when that was not possible any more. */
  mayBeGone: boolean;
}

interface Backup {
  readonly arn: string;
  readonly expected: PastTable;
}

/** Plays a sequence on the store and the model; compares whatever is brought back with what the model had at that moment. */
export class PastPlayer {
  readonly #stage: HistoryStage;
  readonly #scene: Scene;
  /** Of the tables that are there, by their names. */
  readonly #pasts = new Map<string, Past>();
  readonly #restores = new Set<Restore>();
  readonly #backups: Backup[] = [];
  readonly #tables: readonly string[];
  readonly #sequence: PastSequence;
  /** Of the next commit: those rise, whatever the clock does. */
  #commitMs: number;
  #made = 0;
  /** How many moments and backups have been compared. */
  compared = 0;

  constructor(stage: HistoryStage, sequence: PastSequence) {
    this.#stage = stage;
    this.#scene = new Scene(['engine'], stage, '');
    this.#sequence = sequence;
    this.#tables = Object.keys(sequence.schemas);
    this.#commitMs = stage.storeClock.now();
  }

  /** @throws Error with the requests so far where something differs from the model. */
  async play(): Promise<void> {
    const told: string[] = [];
    try {
      await createTable(this.#scene, {
        op: 'CreateTable',
        table: aside,
        schema: { hash: 'S', range: undefined, indexes: [] },
      });
      for (const name of this.#tables) await this.#create(name);
      for (const step of this.#sequence.steps) {
        told.push(JSON.stringify(step));
        await this.#take(step);
        this.#noteRestores();
      }
      told.push('the end');
      await this.#compareAll();
    } catch (error) {
      const all = told.map((step) => step.slice(0, 300)).join('\n');
      throw new Error(`${(error as Error).message}\n\nThe steps:\n${all}`, { cause: error });
    }
  }

  async #take(step: PastStep): Promise<void> {
    switch (step.do) {
      case 'call':
        return this.#scene.call(named(step.request, ''), step.style);
      case 'index':
        return changeIndex(this.#scene, { op: 'UpdateTable', table: step.table, change: step.change });
      case 'sweep':
        return sweep(this.#scene, step.table, step.renewals, step.requests, step.style);
      case 'recreate':
        return this.#recreate(step.table);
      case 'recover':
        return this.#recover(step.table, step.isOn, step.days);
      case 'trim':
        return this.#trim(step.table);
      case 'restoreFirst':
        return this.#restoreFirst(step.table);
      case 'move':
        return step.ms < 0 ? this.#setBack(-step.ms) : this.#pass(step.ms);
      case 'tidy':
        return this.#tidy();
      case 'restart':
        return this.#restart(() => this.#stage.restart());
      case 'kill':
        return this.#restart(() => this.#stage.kill());
      case 'backup':
        return this.#backUp(step.table);
      case 'restore':
        return this.#restoreSecond(step.table, step.at, step.isAwaited);
      case 'restoreBackup':
        return this.#restoreBackup(step.which, step.isAwaited);
      case 'export':
        return this.#export(step.table, step.at, step.format);
      case 'exportChanges':
        return this.#exportChanges(step.table, step.at, step.length);
      case 'refuse':
        return this.#refuse(step.table, step.offMs);
    }
  }

  async #create(name: string): Promise<void> {
    const schema = this.#sequence.schemas[name];
    if (schema === undefined) throw new Error(`no schema for ${name}`);
    await createTable(this.#scene, { op: 'CreateTable', table: name, schema });
    this.#pasts.set(name, new Past());
  }

  async #recreate(name: string): Promise<void> {
    await untilIndexes(this.#scene, name);
    const expected = this.#now(name);
    const { isKept } = this.#past(name);
    const before = await this.#systemBackups(name);
    await deleteTable(this.#scene, name);
    const after = await this.#systemBackups(name);
    const left = after.filter((arn) => !before.includes(arn));
    if (left.length !== (isKept ? 1 : 0)) throw new Error(`${name} has left ${left.length} backups`);
    for (const arn of left) this.#backups.push({ arn, expected });
    await this.#create(name);
  }

  async #systemBackups(name: string): Promise<string[]> {
    const { BackupSummaries: found } = outputOf(
      await this.#stage.ask('ListBackups', { TableName: name, BackupType: 'SYSTEM' }),
    );
    return (found as { BackupArn: string }[]).map(({ BackupArn: arn }) => arn);
  }

  async #recover(name: string, isOn: boolean, days: number | undefined): Promise<void> {
    const past = this.#past(name);
    await this.#switch(name, isOn, isOn ? days : undefined);
    if (isOn) past.switchOn(this.#commitMs, days);
    else past.switchOff();
    await this.#compareDescription(name);
  }

  async #trim(name: string): Promise<void> {
    if (!this.#past(name).isKept) return;
    await this.#recover(name, true, 1);
    await this.#tidy();
    await this.#recover(name, true, 35);
  }

  async #switch(TableName: string, PointInTimeRecoveryEnabled: boolean, days?: number): Promise<void> {
    const specification = { PointInTimeRecoveryEnabled, RecoveryPeriodInDays: days };
    outputOf(
      await this.#stage.ask('UpdateContinuousBackups', {
        TableName,
        PointInTimeRecoverySpecification: JSON.parse(JSON.stringify(specification)),
      }),
    );
  }

  /** A switch makes the store look at once at what there is to do. */
  async #tidy(): Promise<void> {
    await this.#switch(aside, true);
    await this.#switch(aside, false);
    await delay(tidyMs);
  }

  #pass(ms: number): void {
    this.#record();
    this.#stage.storeClock.pass(ms);
    this.#commitMs = Math.max(this.#commitMs, this.#stage.storeClock.now());
  }

  /** What is committed before says what time it was, also to the next process. */
  async #setBack(ms: number): Promise<void> {
    await this.#switch(aside, true);
    await this.#switch(aside, false);
    this.#record();
    this.#stage.storeClock.pass(-ms);
  }

  #record(): void {
    for (const [name, past] of this.#pasts) past.record(this.#commitMs, this.#table(name));
  }

  async #restart(restart: () => Promise<void>): Promise<void> {
    await restart();
    for (const one of this.#restores) one.isBegunAnew = true;
    for (const name of this.#tables) await this.#compareDescription(name);
  }

  async #backUp(name: string): Promise<void> {
    const { BackupDetails: details } = outputOf(
      await this.#stage.ask('CreateBackup', { TableName: name, BackupName: 'one-of-many' }),
    );
    const { BackupArn: arn } = details as { BackupArn: string };
    this.#backups.push({ arn, expected: this.#now(name) });
    await until(async () => {
      const { BackupDescription: told } = outputOf(
        await this.#stage.ask('DescribeBackup', { BackupArn: arn }),
      );
      return (told as { BackupDetails: { BackupStatus: string } }).BackupDetails.BackupStatus === 'AVAILABLE';
    }, `the backup ${arn}`);
  }

  async #restoreSecond(name: string, at: number, isAwaited: boolean): Promise<void> {
    this.#record();
    const seconds = this.#past(name).seconds(this.#stage.storeClock.now());
    const second = oneOf(seconds, at);
    if (second !== undefined) await this.#restoreTo(name, second, isAwaited);
  }

  async #restoreFirst(name: string): Promise<void> {
    await this.#recover(name, false, undefined);
    await this.#recover(name, true, undefined);
    await delay(firstBaseMs);
    await this.#restoreTo(name, secondOf(this.#commitMs), true);
  }

  async #restoreTo(name: string, second: number, isAwaited: boolean): Promise<void> {
    const past = this.#past(name);
    const target = this.#newName();
    const input = { SourceTableName: name, TargetTableName: target, RestoreDateTime: second / secondInMs };
    const asked = this.#stage.ask('RestoreTableToPointInTime', input);
    // The second of the switching on may last yet, and what is written until its end belongs to it.
    if (second + secondInMs > this.#commitMs) {
      await this.#scene.call({ op: 'PutItem', table: name, item: this.#someItem(name) }, 0);
      this.#pass(second + secondInMs - this.#stage.storeClock.now());
    }
    outputOf(await asked);
    const canBegin = () =>
      this.#pasts.get(name) === past && past.includes(second, this.#stage.storeClock.now());
    const of = `${name} at ${new Date(second).toISOString()}`;
    await this.#begun({ target, expected: past.at(second), of, canBegin }, isAwaited);
  }

  async #restoreBackup(which: number, isAwaited: boolean): Promise<void> {
    const backup = this.#backups[which % this.#backups.length];
    if (backup === undefined) return;
    const { arn, expected } = backup;
    const of = `the backup ${arn}`;
    for (const one of this.#restores) if (one.of === of) await this.#compare(one);
    const target = this.#newName();
    const told = await this.#stage.ask('RestoreTableFromBackup', { BackupArn: arn, TargetTableName: target });
    // Those of deleted tables go after 35 days.
    if ('error' in told && told.error.code === 'BackupNotFoundException' && arn.endsWith(systemSuffix))
      return;
    outputOf(told);
    await this.#begun({ target, expected, of, canBegin: () => !arn.endsWith(systemSuffix) }, isAwaited);
  }

  async #export(name: string, at: number, format: TransferFormat): Promise<void> {
    this.#record();
    this.#pass(secondInMs);
    const past = this.#past(name);
    const seconds = past.seconds(this.#stage.storeClock.now());
    const second = oneOf(seconds, at);
    // After the clock was set back, nothing of it may have come yet.
    if (second === undefined || second > this.#stage.storeClock.now() - secondInMs) return;
    const expected = past.at(second);
    const prefix = await exportSecond(this.#stage, name, second, format, expected);
    const target = this.#newName();
    await importTable(this.#stage, target, prefix, format, expected.schema);
    await expectTable(this.#stage, target, { ...expected, indexes: [] });
    this.compared++;
    outputOf(await this.#stage.ask('DeleteTable', { TableName: target }));
  }

  /** AWS: S3DataExport_Requesting; 15 minutes at least, and a day at most. */
  async #exportChanges(name: string, at: number, length: number): Promise<void> {
    this.#pass(secondInMs);
    const past = this.#past(name);
    const bounds = past.bounds(this.#stage.storeClock.now());
    if (bounds === undefined) return;
    const lastMs = bounds.latestMs + secondInMs;
    const seconds = past.seconds(this.#stage.storeClock.now());
    // Of the first second only that is known which came after the switch.
    const begins = seconds.filter((ms) => ms > bounds.earliestMs && ms <= lastMs - periodMinMs);
    const fromMs = oneOf(begins, at);
    if (fromMs === undefined || lastMs > this.#stage.storeClock.now()) return;
    const isEnd = (ms: number) => ms >= fromMs + periodMinMs && ms <= fromMs + dayInMs;
    const toMs = oneOf(seconds.filter(isEnd), length) ?? Math.min(lastMs, fromMs + dayInMs);
    const states = [past.at(fromMs - secondInMs), past.at(toMs - secondInMs)] as const;
    await compareChanges(this.#stage, name, [fromMs, toMs], states);
    this.compared++;
  }

  async #begun(begun: Omit<Restore, 'isBegunAnew' | 'mayBeGone'>, isAwaited: boolean): Promise<void> {
    const restore: Restore = { ...begun, isBegunAnew: false, mayBeGone: false };
    this.#restores.add(restore);
    if (isAwaited) await this.#compare(restore);
  }

  #noteRestores(): void {
    for (const one of this.#restores) one.mayBeGone ||= one.isBegunAnew && !one.canBegin();
  }

  async #compare(restore: Restore): Promise<void> {
    const { target, expected, of, mayBeGone } = restore;
    this.#restores.delete(restore);
    const isThere = await this.#untilLoaded(target);
    if (!isThere && mayBeGone) return;
    if (!isThere) throw new Error(`what was restored of ${of} is not there`);
    try {
      await expectTable(this.#stage, target, expected);
    } catch (error) {
      throw new Error(`what was restored of ${of}: ${(error as Error).message}`, { cause: error });
    }
    this.compared++;
    outputOf(await this.#stage.ask('DeleteTable', { TableName: target }));
  }

  async #untilLoaded(TableName: string): Promise<boolean> {
    let isThere = true;
    await until(async () => {
      const told = await this.#stage.ask('DescribeTable', { TableName });
      isThere = 'output' in told;
      return !isThere || (outputOf(told).Table as { TableStatus: string }).TableStatus === 'ACTIVE';
    }, `the table ${TableName}`);
    return isThere;
  }

  /** Outside of the window nothing comes back, and nothing is left of having tried; AWS has an order of what is said first. */
  async #refuse(name: string, offMs: number): Promise<void> {
    const bounds = this.#past(name).bounds(this.#stage.storeClock.now());
    const attempt = (SourceTableName: string, ms: number, TargetTableName = name) =>
      this.#stage.ask('RestoreTableToPointInTime', {
        SourceTableName,
        TargetTableName,
        RestoreDateTime: ms / secondInMs,
      });
    expectError(await attempt('missing', 0), 'TableNotFoundException');
    if (bounds === undefined) {
      expectError(await attempt(name, 0), 'PointInTimeRecoveryUnavailableException');
      return;
    }
    const { earliestMs, latestMs } = bounds;
    for (const ms of [earliestMs - offMs, latestMs + offMs]) {
      const text = outsideText(ms, bounds);
      for (const target of [name, this.#newName()])
        expectError(await attempt(name, ms, target), 'InvalidRestoreTimeException', text);
    }
    expectError(await attempt(name, latestMs), 'TableAlreadyExistsException');
    const { TableNames: found } = outputOf(await this.#stage.ask('ListTables', {}));
    const known = [aside, ...this.#tables, ...Array.from(this.#restores, ({ target }) => target)];
    const unknown = (found as string[]).filter((one) => !known.includes(one) && !this.#isLeaving(one));
    if (unknown.length > 0) throw new Error(`there are tables that nobody has made: ${unknown}`);
  }

  /** What has been compared is on its way out. */
  #isLeaving(name: string): boolean {
    return name.startsWith(copyPrefix) && Number(name.slice(copyPrefix.length)) < this.#made - 2;
  }

  async #compareDescription(TableName: string): Promise<void> {
    const { ContinuousBackupsDescription: told } = outputOf(
      await this.#stage.ask('DescribeContinuousBackups', { TableName }),
    );
    const { PointInTimeRecoveryDescription: recovery } = told as { PointInTimeRecoveryDescription: object };
    const past = this.#past(TableName);
    const bounds = past.bounds(this.#stage.storeClock.now());
    const expected = bounds && {
      PointInTimeRecoveryStatus: 'ENABLED',
      RecoveryPeriodInDays: past.days,
      EarliestRestorableDateTime: bounds.earliestMs / secondInMs,
      LatestRestorableDateTime: bounds.latestMs / secondInMs,
    };
    const [a, b] = [
      JSON.stringify(recovery),
      JSON.stringify(expected ?? { PointInTimeRecoveryStatus: 'DISABLED' }),
    ];
    if (a !== b) throw new Error(`the recovery of ${TableName} is described as ${a}, not ${b}`);
  }

  /** What is under way; of each table some seconds, the first and the last one among them, and what has changed between some; each backup. */
  async #compareAll(): Promise<void> {
    for (const one of this.#restores) await this.#compare(one);
    this.#pass(secondInMs);
    for (const name of this.#tables) {
      const seconds = this.#past(name).seconds(this.#stage.storeClock.now());
      for (const second of spread(seconds, secondsAtEndMax)) await this.#restoreTo(name, second, false);
      for (const one of this.#restores) await this.#compare(one);
    }
    for (const name of this.#tables) {
      for (const [at, length] of portionsAtEnd) await this.#exportChanges(name, at, length);
    }
    for (const which of this.#backups.keys()) await this.#restoreBackup(which, false);
    for (const one of this.#restores) await this.#compare(one);
  }

  #past(name: string): Past {
    const past = this.#pasts.get(name);
    if (past === undefined) throw new Error(`no past of ${name}`);
    return past;
  }

  #table(name: string): Table {
    const table = this.#scene.model.table(name);
    if (table === undefined) throw new Error(`no table ${name}`);
    return table;
  }

  #now(name: string): PastTable {
    this.#record();
    return this.#past(name).at(this.#commitMs);
  }

  #someItem(name: string): Item {
    const { hash, range } = this.#table(name).schema;
    return { [hashName]: lateKeys[hash], ...(range !== undefined && { [rangeName]: lateKeys[range] }) };
  }

  #newName(): string {
    return `${copyPrefix}${this.#made++}`;
  }
}

/** Is never restored; it is there to be switched. */
const aside = 'aside';
const lateKeys = { S: { S: 'late' }, N: { N: '77' }, B: { B: 'bGF0ZQ==' } } as const;
const copyPrefix = 'copy-';
const systemSuffix = '-00000000';
const secondsAtEndMax = 8;
const portionsAtEnd = [
  [0, 0],
  [0, 1],
  [0.3, 0.5],
  [0.6, 0],
  [0.9, 1],
] as const;
const periodMinMs = 15 * 60 * 1000;

/** Mostly enough for the first base of a history: then a plan of a moment would wait for nothing else any more. */
const firstBaseMs = 150;

/** For a round over the files of all histories. */
const tidyMs = 30;
