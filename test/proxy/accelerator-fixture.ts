import type { Item } from '../../protocol/attribute-value.ts';
import type { Request } from '../../protocol/backend.ts';
import type { KeySchema } from '../../protocol/key.ts';
import { type Output, Reply } from '../../protocol/reply.ts';
import { Accelerator, type AcceleratorOptions } from '../../proxy/accelerator.ts';
import { ManualClock, SimulatedStore, type StoreOptions } from './simulated-store.ts';

export const region = 'us-east-1';
export const idSchema: KeySchema = { partition: { name: 'id', type: 'S' }, sort: undefined };
export const arn = `arn:aws:dynamodb:${region}:000000000000:table/items`;

/** The two kinds of stores that an accelerator stands before. */
export const storeKinds: readonly (readonly [string, StoreOptions])[] = [
  ['announces its commits', { announces: true }],
  ['announces nothing', { answers: 'soon', bytes: false }],
];

/** An accelerator before a store that has one table, `items`, with the partition key `id`. */
export class Fixture {
  readonly clock = new ManualClock();
  readonly store: SimulatedStore;
  readonly accelerator: Accelerator;

  constructor(store: StoreOptions = {}, options: Partial<AcceleratorOptions> = {}) {
    this.store = new SimulatedStore(store);
    this.store.createTable('items', idSchema);
    this.accelerator = new Accelerator(this.store, {
      cacheBytesMax: 10_000_000,
      itemTtlMs: 0,
      tables: {},
      describeMs: 60_000,
      settleMs: 0,
      fenceMs: 10_000,
      clock: this.clock,
      ...options,
    });
    // Values of the first moments have a shorter life in front of a store that announces nothing.
    this.clock.advance(options.fenceMs ?? 10_000);
  }

  async call(operation: string, input: object, callRegion = region): Promise<Record<string, unknown>> {
    const reply = await this.send({ operation, input: { ...input }, region: callRegion });
    return JSON.parse(reply.body.toString());
  }

  /** Errors that the accelerator throws at once become rejections, as those do that it rejects with. */
  async send(request: Request): Promise<Reply> {
    return this.accelerator.call(request);
  }

  get(id: string, more: object = {}): Promise<Record<string, unknown>> {
    return this.call('GetItem', { TableName: 'items', Key: { id: { S: id } }, ...more });
  }

  put(id: string, v: string): Promise<Record<string, unknown>> {
    return this.call('PutItem', { TableName: 'items', Item: itemOf(id, v) });
  }

  /** The store's answer, without the accelerator. */
  direct(operation: string, input: object): Record<string, unknown> {
    return JSON.parse(this.store.execute({ operation, input: { ...input }, region }).body.toString());
  }

  /** From now on the store answers calls of the operation with something else than it should. */
  answerWith(operation: string, output: Output): void {
    const { store } = this;
    const execute = store.execute.bind(store);
    store.execute = (request) => {
      const reply = execute(request);
      return request.operation === operation ? new Reply(output) : reply;
    };
  }

  /** How many calls of an operation the store got while `act` ran. */
  async countDuring(operation: string, act: () => Promise<unknown>): Promise<number> {
    const before = this.store.count(operation);
    await act();
    return this.store.count(operation) - before;
  }
}

export function itemOf(id: string, v: string): Item {
  return { id: { S: id }, v: { S: v } };
}

/** Everything that has been set going and does not wait for the test has come to rest. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
