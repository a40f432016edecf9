import { setTimeout as delay } from 'node:timers/promises';
import type { Sequence, Step } from './generator.ts';
import { Model } from './model.ts';
import {
  type Answer,
  abbreviated,
  attempt,
  Expectation,
  lastKey,
  type Outcome,
  outcomeOf,
  printOutcome,
} from './outcome.ts';
import { printRequest, type WireRequest } from './printer.ts';
import { hashName, type ItemRequest, type Query, type Request, rangeName, type Scan } from './request.ts';
import { scannedKeys } from './scan-order.ts';
import { canonicalItem, type Item, stable } from './value.ts';
import type { Door, World } from './world.ts';

/** Whatever can play the part of the world in which sequences are played. */
export type Stage = Pick<World, 'doors' | 'clock' | 'restart'>;

/** AWS: API_BatchGetItem. */
const batchKeysMax = 100;

let played = 0;

/**
 * Plays a sequence on the model and through every door, and compares all that they say.
 * @throws Error with the requests so far where one disagrees.
 */
export async function play(sequence: Sequence, stage: Stage): Promise<void> {
  const player = new Player(sequence.doors, stage, `m${played++}.`);
  try {
    await player.play(sequence);
  } catch (error) {
    throw new Error(
      `${(error as Error).message}\n\nThe requests, the last one first:\n${player.transcript()}`,
    );
  } finally {
    await player.leave();
  }
}

class Player {
  readonly #model = new Model();
  readonly #doorNames: readonly string[];
  readonly #stage: Stage;
  /** Makes names of tables unique among sequences. */
  readonly #prefix: string;
  readonly #sent: WireRequest[] = [];
  readonly #tables = new Set<string>();
  readonly #keys = new Map<string, { table: string; key: Item }>();

  constructor(doorNames: readonly string[], stage: Stage, prefix: string) {
    this.#doorNames = doorNames;
    this.#stage = stage;
    this.#prefix = prefix;
  }

  async play({ schemas, steps }: Sequence): Promise<void> {
    for (const [table, schema] of Object.entries(schemas)) {
      await this.#createTable({ op: 'CreateTable', table: this.#prefix + table, schema });
    }
    for (const step of steps) await this.#take(step);
    for (const table of Object.keys(schemas)) await this.#compareTable(this.#prefix + table);
  }

  /** Deletes what was created; that nothing waits for it gives the store something to do meanwhile. */
  async leave(): Promise<void> {
    const requests = [...this.#tables].map((table) => printRequest({ op: 'DeleteTable', table }, 0));
    await Promise.all(requests.flatMap((request) => this.#doors.map((door) => door.call(request))));
  }

  transcript(): string {
    return this.#sent
      .map(({ operation, input }) => `  ${operation} ${abbreviated(JSON.stringify(input))}`)
      .reverse()
      .join('\n');
  }

  async #take(step: Step): Promise<void> {
    switch (step.do) {
      case 'call':
        return this.#call(named(step.request, this.#prefix), step.style);
      case 'walk':
        return step.request.op === 'Query'
          ? this.#walkQuery(named(step.request, this.#prefix), step.style)
          : this.#walkScan(named(step.request, this.#prefix), step.style);
      case 'together':
        return this.#callTogether(
          step.requests.map((request) => named(request, this.#prefix)),
          step.style,
        );
      case 'count':
        return this.#count(this.#prefix + step.table, step.key, step.times);
      case 'recreate': {
        const table = this.#prefix + step.table;
        await this.#deleteTable(table);
        return this.#createTable({ op: 'CreateTable', table, schema: step.schema });
      }
      case 'pass':
        return this.#stage.clock.pass(step.ms);
      case 'restart':
        return this.#stage.restart();
    }
  }

  async #call(request: Exclude<Request, Scan>, style: number): Promise<void> {
    this.#rememberKeys(request);
    const wire = this.#send(request, style);
    const expected = new Expectation(attempt(() => this.#model.call(request)));
    await this.#atEveryDoor(async (door) => expected.check(await door.call(wire), door.name));
  }

  async #walkQuery(request: Query, style: number): Promise<void> {
    for (let startKey: Item | undefined, pages = 0; pages === 0 || startKey !== undefined; pages++) {
      const next = { ...request, startKey };
      await this.#call(next, style + pages);
      startKey = lastKey(attempt(() => this.#model.call(next)));
    }
  }

  /** DynamoDB tells nobody in which order it scans, but the order is the same for every scan of what did not change. */
  async #walkScan(request: Scan, style: number): Promise<void> {
    await this.#atEveryDoor(async (door) => {
      const keys = await scannedKeys(door, request, this.#model);
      for (let startKey: Item | undefined, pages = 0; pages === 0 || startKey !== undefined; pages++) {
        const next = { ...request, startKey };
        const expected = attempt(() => this.#model.scan(next, keys));
        const wire = printRequest(next, style + pages);
        if (door === this.#doors[0]) this.#sent.push(wire);
        new Expectation(expected).check(await door.call(wire), door.name);
        startKey = lastKey(expected);
      }
    });
  }

  async #callTogether(requests: readonly ItemRequest[], style: number): Promise<void> {
    const independent = requests.filter((request, i) =>
      requests.slice(0, i).every((other) => areIndependent(request, other)),
    );
    for (const request of independent) this.#rememberKeys(request);
    const wires = independent.map((request) => this.#send(request, style));
    // A read may see what was there before a write that is on its way, or after it.
    const before = independent.map((request) => this.#outcomes(request, request.op === 'GetItem'));
    const written = independent.map((request) => this.#outcomes(request, request.op !== 'GetItem'));
    const after = independent.map((request) => this.#outcomes(request, request.op === 'GetItem'));
    const expected = independent.map((_, i) => {
      return new Expectation(...[before, written, after].flatMap((outcomes) => outcomes[i] ?? []));
    });
    await this.#atEveryDoor(async (door) => {
      const answers = await Promise.all(wires.map((wire) => door.call(wire)));
      for (const [i, answer] of answers.entries()) expected[i]?.check(answer, door.name);
    });
  }

  #outcomes(request: ItemRequest, isWanted: boolean): Outcome[] {
    return isWanted ? [attempt(() => this.#model.call(request))] : [];
  }

  async #count(table: string, key: Item, times: number): Promise<void> {
    const add = [{ path: ['counter'] as const, value: { N: '1' } }];
    const update = { set: [], remove: [], add, delete: [] };
    const request: Request = { op: 'UpdateItem', table, key, update, returnValues: 'UPDATED_NEW' };
    this.#rememberKeys(request);
    const wire = this.#send(request, 1);
    const outcomes = Array.from({ length: times }, () => attempt(() => this.#model.call(request)));
    const expected = new Expectation(...outcomes);
    const distinct = new Set(outcomes.map(printOutcome)).size;
    await this.#atEveryDoor(async (door) => {
      const answers = await Promise.all(outcomes.map(() => door.call(wire)));
      for (const answer of answers) expected.check(answer, door.name);
      const counts = new Set(answers.map((answer) => printOutcome(outcomeOf(answer))));
      if (counts.size !== distinct)
        throw new Error(`${door.name} lost increments: it answered ${[...counts]}`);
    });
  }

  async #createTable(request: Extract<Request, { op: 'CreateTable' }>): Promise<void> {
    await this.#call(request, 0);
    this.#tables.add(request.table);
    await this.#untilTable(
      request.table,
      (answer) => 'json' in answer && answer.json.includes('"TableStatus":"ACTIVE"'),
    );
  }

  async #deleteTable(table: string): Promise<void> {
    await this.#call({ op: 'DeleteTable', table }, 0);
    this.#tables.delete(table);
    await this.#untilTable(table, (answer) => 'error' in answer);
  }

  async #untilTable(table: string, isReached: (answer: Answer) => boolean): Promise<void> {
    const request = printRequest({ op: 'DescribeTable', table }, 0);
    await this.#atEveryDoor(async (door) => {
      while (!isReached(await door.call(request))) await delay(1);
    });
  }

  /** Every item that the sequence was about, read through the caches and around them, and the table's own counts. */
  async #compareTable(table: string): Promise<void> {
    await this.#call({ op: 'DescribeTable', table }, 0);
    await this.#walkScan({ op: 'Scan', table, isConsistent: true }, 0);
    const keys = [...this.#keys.values()].filter((one) => one.table === table && this.#isValid(one));
    for (let from = 0; from < keys.length; from += batchKeysMax) {
      const batch = keys.slice(from, from + batchKeysMax).map(({ key }) => key);
      await this.#call({ op: 'BatchGetItem', tables: [{ table, keys: batch }], capacity: 'TOTAL' }, 0);
    }
  }

  /** Taken anew each time: a restart makes new ones. */
  get #doors(): Door[] {
    return this.#stage.doors.filter(({ name }) => this.#doorNames.includes(name));
  }

  #rememberKeys(request: Request): void {
    if (!('key' in request) && request.op !== 'PutItem') return;
    const { table } = request;
    const key = looseKey(request);
    this.#keys.set(table + stable(key), { table, key });
  }

  #isValid({ table, key }: { readonly table: string; readonly key: Item }): boolean {
    return 'output' in attempt(() => this.#model.call({ op: 'GetItem', table, key }));
  }

  #send(request: Request, style: number): WireRequest {
    const wire = printRequest(request, style);
    this.#sent.push(wire);
    return wire;
  }

  async #atEveryDoor(visit: (door: Door) => Promise<void>): Promise<void> {
    const visits = await Promise.allSettled(this.#doors.map(visit));
    for (const one of visits) if (one.status === 'rejected') throw one.reason;
  }
}

/** The same request on the sequence's own tables. */
function named<R extends Request>(request: R, prefix: string): R {
  if (!('tables' in request)) return { ...request, table: prefix + request.table };
  return { ...request, tables: request.tables.map((one) => ({ ...one, table: prefix + one.table })) };
}

/** Whether the order in which two requests are served cannot matter: they are about different items, or one reads. */
function areIndependent(a: ItemRequest, b: ItemRequest): boolean {
  if (a.op === 'GetItem' || b.op === 'GetItem' || a.table !== b.table) return true;
  return stable(looseKey(a)) !== stable(looseKey(b));
}

/** Keys that are not valid all count as one. */
function looseKey(request: ItemRequest): Item {
  const item = request.op === 'PutItem' ? request.item : request.key;
  try {
    return canonicalItem(
      Object.fromEntries(Object.entries(item).filter(([name]) => name === hashName || name === rangeName)),
    );
  } catch {
    return {};
  }
}
