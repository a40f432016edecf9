import { setTimeout as delay } from 'node:timers/promises';
import { type FleetClients, type HotTable, keysOf } from './fleet-clients.ts';
import type { History } from './fleet-history.ts';
import { CallError, type Door, type FleetPrograms } from './fleet-programs.ts';

/** A table that is replaced by another of its name, and an index that comes and goes, through any proxy. */
export class TableChanges {
  readonly #fleet: FleetPrograms;
  readonly #history: History;
  readonly #clients: FleetClients;
  readonly #table: HotTable;

  constructor(fleet: FleetPrograms, history: History, clients: FleetClients, table: HotTable) {
    this.#fleet = fleet;
    this.#history = history;
    this.#clients = clients;
    this.#table = table;
  }

  /** @param end until when to go on. */
  async run(end: Promise<unknown>): Promise<void> {
    let isOver = false;
    void end.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await delay(700);
      await this.#change(groupsAdded);
      this.#table.hasGroups = true;
      await delay(700);
      this.#table.hasGroups = false;
      await this.#change({ GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'byGroup' } }] });
      await delay(300);
      await this.#replace();
    }
  }

  async #change(change: object): Promise<void> {
    await this.#through('UpdateTable', { TableName: this.#table.name, ...change });
    await this.#untilActive();
  }

  /** Before it is deleted, what was begun for it has ended: later it would find the new one. */
  async #replace(): Promise<void> {
    this.#table.state = 'draining';
    await this.#clients.drain(this.#table);
    await delay(lateMs);
    const deletes = keysOf(this.#table).map((key) => this.#history.begin(key, 'the table', undefined));
    this.#table.state = 'replacing';
    await this.#through('DeleteTable', { TableName: this.#table.name });
    await this.#until(async (engine) => !(await isThere(engine, this.#table.name)));
    for (const each of deletes) this.#history.acknowledge(each);
    await this.#through('CreateTable', tableInput(this.#table.name, false));
    await this.#untilActive();
    this.#table.state = 'steady';
  }

  /** Tried with one proxy after the other, as any may be killed; the first answer that there is counts. */
  async #through(operation: string, input: object): Promise<void> {
    for (let i = Math.floor(Math.random() * 100); ; i++) {
      const door = this.#fleet.proxies[i % this.#fleet.proxies.length]?.door;
      try {
        if (door !== undefined) return void (await door.call(operation, input));
      } catch (error) {
        if (error instanceof CallError && error.status === 400) return;
      }
      await delay(pollMs);
    }
  }

  #untilActive(): Promise<void> {
    return this.#until(async (engine) => {
      const { Table } = await engine.call('DescribeTable', { TableName: this.#table.name });
      return !JSON.stringify(Table).match(/"(TableStatus|IndexStatus)":"(?!ACTIVE)/);
    });
  }

  async #until(holds: (engine: Door) => Promise<boolean>): Promise<void> {
    while (!(await holds(this.#fleet.engine))) await delay(pollMs);
  }
}

async function isThere(engine: Door, TableName: string): Promise<boolean> {
  try {
    await engine.call('DescribeTable', { TableName });
    return true;
  } catch (error) {
    if (error instanceof CallError && error.code === 'ResourceNotFoundException') return false;
    throw error;
  }
}

const byGroup = {
  IndexName: 'byGroup',
  KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
  Projection: { ProjectionType: 'ALL' },
};

const groupsAdded = {
  AttributeDefinitions: [{ AttributeName: 'g', AttributeType: 'S' }],
  GlobalSecondaryIndexUpdates: [{ Create: byGroup }],
};

export function tableInput(TableName: string, hasGroups: boolean): object {
  const grouped = { AttributeName: 'g', AttributeType: 'S' };
  return {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'p', KeyType: 'HASH' },
      { AttributeName: 's', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'p', AttributeType: 'S' },
      { AttributeName: 's', AttributeType: 'S' },
      { AttributeName: 'n', AttributeType: 'N' },
      ...(hasGroups ? [grouped] : []),
    ],
    LocalSecondaryIndexes: [
      {
        IndexName: 'byNumber',
        KeySchema: [
          { AttributeName: 'p', KeyType: 'HASH' },
          { AttributeName: 'n', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'ALL' },
      },
    ],
    ...(hasGroups ? { GlobalSecondaryIndexes: [byGroup] } : {}),
  };
}

const pollMs = 20;
/** How late a write that was not answered may still be done. */
const lateMs = 200;
