import { Model } from './model.ts';
import { abbreviated, attempt, Expectation } from './outcome.ts';
import { looseKey, type Place, styleOf } from './played-request.ts';
import { printRequest, type WireRequest } from './printer.ts';
import type { PageRequest, Request, TransactWriteItems } from './request.ts';
import { stable } from './value.ts';
import type { Door, World } from './world.ts';

/** Whatever can play the part of the world in which sequences are played. */
export type Stage = Pick<World, 'doors' | 'clock' | 'storeClock' | 'restart'>;

/** What the steps of one sequence share: the model, the doors, and what has been sent. */
export class Scene {
  readonly model: Model;
  readonly stage: Stage;
  /** Makes names of tables unique among sequences. */
  readonly prefix: string;
  readonly sent: WireRequest[] = [];
  /** Those that are there. */
  readonly tables = new Set<string>();
  /** Every item that was written, or was to be. */
  readonly keys = new Map<string, Place>();
  readonly tokened: TransactWriteItems[] = [];
  readonly #doorNames: readonly string[];

  constructor(doorNames: readonly string[], stage: Stage, prefix: string) {
    this.#doorNames = doorNames;
    this.stage = stage;
    this.model = new Model(() => stage.storeClock.now() / 1000);
    this.prefix = prefix;
  }

  /** Taken anew each time: a restart makes new ones. */
  get doors(): Door[] {
    return this.stage.doors.filter(({ name }) => this.#doorNames.includes(name));
  }

  /** Sends a request through every door. @throws Error where an answer is not the model's. */
  async call(request: Exclude<Request, PageRequest>, style: number): Promise<void> {
    this.rememberKeys(request);
    if (request.op === 'TransactWriteItems' && request.token !== undefined) this.tokened.push(request);
    const wire = this.send(request, styleOf(request, style));
    const expected = this.#expected(request);
    await this.atEveryDoor(async (door) => expected.check(await door.call(wire), door.name));
  }

  #expected(request: Exclude<Request, PageRequest>): Expectation {
    const outcome = attempt(() => this.model.call(request));
    // Whether an index is complete is a matter of time, where nothing is held up.
    if (request.op !== 'DescribeTable' || this.model.isHeld) return new Expectation(outcome);
    return new Expectation(
      outcome,
      attempt(() => this.model.describedComplete(request.table)),
    );
  }

  rememberKeys(request: Request): void {
    if (request.op === 'TransactWriteItems') {
      for (const action of request.actions) if (action.op !== 'ConditionCheck') this.rememberKeys(action);
    }
    if (!('key' in request) && request.op !== 'PutItem') return;
    const { table } = request;
    const key = looseKey(request);
    this.keys.set(table + stable(key), { table, key });
  }

  isValid({ table, key }: Place): boolean {
    return 'output' in attempt(() => this.model.call({ op: 'GetItem', table, key }));
  }

  send(request: Request, style: number): WireRequest {
    const wire = printRequest(request, style);
    this.sent.push(wire);
    return wire;
  }

  async atEveryDoor(visit: (door: Door) => Promise<void>): Promise<void> {
    const visits = await Promise.allSettled(this.doors.map(visit));
    for (const one of visits) if (one.status === 'rejected') throw one.reason;
  }

  transcript(): string {
    return this.sent
      .map(({ operation, input }) => `  ${operation} ${abbreviated(JSON.stringify(input))}`)
      .reverse()
      .join('\n');
  }
}
