import { describe, expect, it } from 'vitest';
import type { Item } from '../../protocol/attribute-value.ts';
import { Accelerator, type AcceleratorOptions } from '../../proxy/accelerator.ts';
import { ManualClock, SimulatedStore, type StoreOptions } from './simulated-store.ts';

const region = 'us-east-1';
const schema = { partition: { name: 'id', type: 'S' }, sort: undefined } as const;

function open(store: StoreOptions = {}, options: Partial<AcceleratorOptions> = {}) {
  const clock = new ManualClock();
  const backend = new SimulatedStore(store);
  backend.createTable('items', schema);
  const accelerator = new Accelerator(backend, {
    cacheBytesMax: 1_000_000,
    itemTtlMs: 300_000,
    tables: {},
    describeMs: 60_000,
    settleMs: 0,
    fenceMs: 10_000,
    clock,
    ...options,
  });
  const call = async (operation: string, input: Record<string, unknown>): Promise<unknown> => {
    const reply = await accelerator.call({ operation, input, region });
    return JSON.parse(reply.body.toString());
  };
  const get = (id: string, more: object = {}) =>
    call('GetItem', { TableName: 'items', Key: { id: { S: id } }, ...more });
  const put = (item: Item) => call('PutItem', { TableName: 'items', Item: item });
  return { clock, backend, accelerator, call, get, put };
}

describe.each([
  ['announcing', { announces: true }],
  ['upstream', { answers: 'soon', bytes: false }],
] as const)('accelerator in front of an %s store', (_name, storeOptions) => {
  it('answers the second read from the cache', async () => {
    const { backend, get, accelerator } = open(storeOptions);
    backend.put('items', { id: { S: 'a' }, v: { N: '1' } });
    expect(await get('a')).toEqual({ Item: { id: { S: 'a' }, v: { N: '1' } } });
    expect(await get('a')).toEqual({ Item: { id: { S: 'a' }, v: { N: '1' } } });
    expect(backend.count('GetItem')).toBe(1);
    expect(accelerator.stats()).toMatchObject({ hits: 1, misses: 1, entries: 1 });
  });
  it('serves a write from the cache at once', async () => {
    const { backend, get, put } = open(storeOptions);
    await get('a');
    await put({ id: { S: 'a' }, v: { N: '1.0' } });
    expect(await get('a')).toEqual({ Item: { id: { S: 'a' }, v: { N: '1' } } });
    expect(backend.count('GetItem')).toBe(1);
  });
  it('reads batches', async () => {
    const { backend, get, call } = open(storeOptions);
    backend.put('items', { id: { S: 'a' }, v: { N: '1' } });
    backend.put('items', { id: { S: 'b' }, v: { N: '2' } });
    await get('a');
    const batch = { RequestItems: { items: { Keys: ['a', 'b', 'c'].map((id) => ({ id: { S: id } })) } } };
    const want = {
      Responses: {
        items: [
          { id: { S: 'a' }, v: { N: '1' } },
          { id: { S: 'b' }, v: { N: '2' } },
        ],
      },
      UnprocessedKeys: {},
    };
    expect(await call('BatchGetItem', batch)).toEqual(want);
    expect(await call('BatchGetItem', batch)).toEqual(want);
    expect(backend.count('BatchGetItem')).toBe(1);
  });
});
