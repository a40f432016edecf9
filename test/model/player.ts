import { setTimeout as delay } from 'node:timers/promises';
import type { Sequence, Step } from './generator.ts';
import { spelledOut } from './key-generator.ts';
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
import { UnknownPlace } from './page.ts';
import { areIndependent, looseKey, named, styleOf } from './played-request.ts';
import { printRequest, type WireRequest } from './printer.ts';
import { backfilling, readOrder } from './read-order.ts';
import type { ItemRequest, PageRequest, Request, TransactWriteItems } from './request.ts';
import { type Item, stable } from './value.ts';
import { type Door, unannouncedTtlMs, type World } from './world.ts';

/** Whatever can play the part of the world in which sequences are played. */
export type Stage = Pick<World, 'doors' | 'clock' | 'storeClock' | 'restart'>;

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
  readonly #model: Model;
  readonly #doorNames: readonly string[];
  readonly #stage: Stage;
  /** Makes names of tables unique among sequences. */
  readonly #prefix: string;
  readonly #sent: WireRequest[] = [];
  readonly #tables = new Set<string>();
  readonly #keys = new Map<string, { table: string; key: Item }>();
  readonly #tokened: TransactWriteItems[] = [];

  constructor(doorNames: readonly string[], stage: Stage, prefix: string) {
    this.#doorNames = doorNames;
    this.#stage = stage;
    this.#model = new Model(() => stage.storeClock.now() / 1000);
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
      case 'page':
        return this.#walk(named(step.request, this.#prefix), step.style, 1);
      case 'walk':
        return this.#walk(named(step.request, this.#prefix), step.style, Number.POSITIVE_INFINITY);
      case 'together':
        return this.#callTogether(
          step.requests.map((request) => named(request, this.#prefix)),
          step.style,
        );
      case 'count':
        return this.#count(this.#prefix + step.table, step.key, step.times);
      case 'transact':
        return this.#transact(this.#prefix + step.table, step.keys, step.times);
      case 'repeat':
        return this.#repeat(step.which, step.style);
      case 'index':
        return this.#changeIndex({
          op: 'UpdateTable',
          table: this.#prefix + step.table,
          change: step.change,
        });
      case 'sweep':
        return this.#sweep(this.#prefix + step.table);
      case 'recreate': {
        const table = this.#prefix + step.table;
        await this.#untilIndexes(table);
        await this.#deleteTable(table);
        return this.#createTable({ op: 'CreateTable', table, schema: step.schema });
      }
      case 'pass':
        return this.#stage.clock.pass(step.ms);
      case 'wait':
        return this.#stage.storeClock.pass(step.seconds * 1000);
      case 'restart':
        return this.#stage.restart();
    }
  }

  async #call(request: Exclude<Request, PageRequest>, style: number): Promise<void> {
    this.#rememberKeys(request);
    if (request.op === 'TransactWriteItems' && request.token !== undefined) this.#tokened.push(request);
    const wire = this.#send(request, styleOf(request, style));
    const expected = this.#expected(request);
    await this.#atEveryDoor(async (door) => expected.check(await door.call(wire), door.name));
  }

  #expected(request: Exclude<Request, PageRequest>): Expectation {
    const outcome = attempt(() => this.#model.call(request));
    if (request.op !== 'DescribeTable') return new Expectation(outcome);
    return new Expectation(
      outcome,
      attempt(() => this.#model.describedComplete(request.table)),
    );
  }

  async #repeat(which: number, style: number): Promise<void> {
    const request = this.#tokened[which % this.#tokened.length];
    if (request !== undefined) await this.#call(request, style);
  }

  /** @param pagesMax how many pages at most. */
  async #walk(request: PageRequest, style: number, pagesMax: number): Promise<void> {
    const refused = attempt(() => ({ isOrdered: this.#model.isOrdered(request) }));
    const isOrdered = 'error' in refused || refused.output.isOrdered === true;
    const isComplete = this.#model.indexInCreation(request.table)?.name !== request.index;
    this.#sent.push(printRequest(request, style));
    await this.#atEveryDoor(async (door) => {
      if ('error' in refused) return this.#expectRefusal(door, request, style, refused, isComplete);
      if (isOrdered && isComplete) return this.#walkAt(door, request, style, pagesMax);
      const keys = await readOrder(door, request, this.#model);
      if (keys !== undefined) return this.#walkAt(door, request, style, pagesMax, keys);
      if (isComplete) throw new Error(`${door.name}: ${request.index} was complete, and is so no more`);
    });
  }

  async #walkAt(
    door: Door,
    request: PageRequest,
    style: number,
    pagesMax: number,
    keys?: readonly Item[],
  ): Promise<void> {
    let { startKey } = request;
    for (let pages = 0; pages < pagesMax && (pages === 0 || startKey !== undefined); pages++) {
      const next = { ...request, startKey };
      const outcome = this.#page(next, keys);
      if (outcome === undefined) return;
      const wire = printRequest(next, style + pages);
      if (pages > 0 && door === this.#doors[0]) this.#sent.push(wire);
      new Expectation(outcome).check(await door.call(wire), door.name);
      startKey = lastKey(outcome);
    }
  }

  /** Undefined where the model cannot tell. */
  #page(request: PageRequest, keys: readonly Item[] | undefined): Outcome | undefined {
    try {
      return attempt(() => this.#model.page(request, keys));
    } catch (error) {
      if (error instanceof UnknownPlace) return undefined;
      throw error;
    }
  }

  async #expectRefusal(
    door: Door,
    request: PageRequest,
    style: number,
    refused: Outcome,
    isComplete: boolean,
  ): Promise<void> {
    const incomplete: Outcome = {
      error: {
        code: 'ValidationException',
        text: backfilling + request.index,
        item: undefined,
        reasons: undefined,
      },
    };
    const expected = new Expectation(refused, ...(isComplete ? [] : [incomplete]));
    expected.check(await door.call(printRequest(request, style)), door.name);
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

  async #transact(table: string, keys: readonly Item[], times: number): Promise<void> {
    const distinct = [...new Map(keys.map((key) => [spelledOut(key), key])).values()];
    const update = {
      set: [],
      remove: [],
      add: [{ path: ['counter'] as const, value: { N: '1' } }],
      delete: [],
    };
    const actions = distinct.map((key) => ({ op: 'UpdateItem' as const, table, key, update }));
    for (const action of actions) this.#rememberKeys(action);
    const write: Request = { op: 'TransactWriteItems', actions };
    const read: Request = { op: 'TransactGetItems', gets: distinct.map((key) => ({ table, key })) };
    const [writeWire, readWire] = [this.#send(write, 1), this.#send(read, 1)];
    // What is read is what all of the first so many transactions have left, none in part.
    const states = [attempt(() => this.#model.call(read))];
    const outcomes = Array.from({ length: times }, () => {
      const outcome = attempt(() => this.#model.call(write));
      states.push(attempt(() => this.#model.call(read)));
      return outcome;
    });
    const [written, seen] = [new Expectation(...outcomes), new Expectation(...states)];
    await this.#atEveryDoor(async (door) => {
      const answers = outcomes.map(async () => {
        const answer = door.call(writeWire);
        seen.check(await door.call(readWire), door.name);
        written.check(await answer, door.name);
      });
      await Promise.all(answers);
    });
  }

  async #changeIndex(request: Extract<Request, { op: 'UpdateTable' }>): Promise<void> {
    const { table, change } = request;
    // Whether an index that is being filled may go, or another one come, is a matter of time.
    const filling = this.#model.indexInCreation(table)?.name;
    if (!('remove' in change && change.remove === filling)) await this.#untilIndexes(table);
    await this.#call(request, 0);
  }

  /** Expired items stay as long as TTL is off, so that until then nothing depends on when sweeps happen. */
  async #sweep(table: string): Promise<void> {
    await this.#call({ op: 'UpdateTimeToLive', table, isEnabled: true }, 0);
    const reads = this.#model.expiredKeys(table).map((key) => {
      return printRequest({ op: 'GetItem', table, key, isConsistent: true }, 0);
    });
    await this.#atEveryDoor(async (door) => {
      for (const read of reads) await until(door, read, isMissing);
    });
    this.#model.swept(table);
    this.#stage.clock.pass(unannouncedTtlMs);
    await this.#call({ op: 'UpdateTimeToLive', table, isEnabled: false }, 0);
  }

  /** Waits until the indexes of a table are complete everywhere. */
  async #untilIndexes(table: string): Promise<void> {
    if (this.#model.indexInCreation(table) === undefined) return;
    await this.#untilTable(table, (answer) => 'json' in answer && !answer.json.includes('"CREATING"'));
    this.#model.indexesCompleted(table);
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
    await this.#atEveryDoor((door) => until(door, request, isReached));
  }

  /** Every item that the sequence was about, read through the caches and around them, and the table's own counts. */
  async #compareTable(table: string): Promise<void> {
    await this.#untilIndexes(table);
    await this.#call({ op: 'DescribeTable', table }, 0);
    await this.#walk({ op: 'Scan', table, isConsistent: true }, 0, Number.POSITIVE_INFINITY);
    for (const { schema } of this.#model.table(table)?.indexes ?? []) {
      await this.#walk({ op: 'Scan', table, index: schema.name }, 0, Number.POSITIVE_INFINITY);
    }
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
    if (request.op === 'TransactWriteItems') {
      for (const action of request.actions) if (action.op !== 'ConditionCheck') this.#rememberKeys(action);
    }
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

/** Asks again and again. @throws Error where that comes to nothing. */
async function until(
  door: Door,
  request: WireRequest,
  isReached: (answer: Answer) => boolean,
): Promise<void> {
  const endMs = performance.now() + patienceMs;
  for (let answer = await door.call(request); !isReached(answer); answer = await door.call(request)) {
    if (performance.now() > endMs) {
      const last = printOutcome(outcomeOf(answer));
      throw new Error(`${door.name} still answers to ${request.operation} after ${patienceMs} ms: ${last}`);
    }
    await delay(1);
  }
}

/** For what takes the store some milliseconds, also on a busy machine. */
const patienceMs = 20_000;

function isMissing(answer: Answer): boolean {
  return 'json' in answer && answer.json === '{}';
}
