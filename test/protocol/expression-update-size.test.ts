import { describe, expect, test } from 'vitest';
import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { bindUpdate } from '../../protocol/expression/update.ts';

/** Three for the update, nineteen and one for `SET b`. */
const paddedBytes = 23;
const itemBytesMax = 409_600;

/** An update that sets `b` to as many bytes as leave `bytes` for the other action. */
function padded(
  action: string,
  values: Record<string, AttributeValue>,
  bytes: number,
  item: Item,
): () => void {
  const text = action.startsWith('SET ') ? `SET b = :pad, ${action.slice(4)}` : `SET b = :pad ${action}`;
  const pad = { S: 'x'.repeat(itemBytesMax - paddedBytes - bytes) };
  const update = bindUpdate(text, new Substitutions(undefined, { ...values, ':pad': pad }));
  return () => update.checkSize(item);
}

describe('the size of an update', () => {
  const n = { N: '1' };
  const list = (...elements: string[]): AttributeValue => ({ L: elements.map((S) => ({ S })) });

  test.each<[string, number, Record<string, AttributeValue>?, Item?]>([
    ['SET c = :v', 19 + 1 + 10, { ':v': { S: 'v'.repeat(10) } }],
    ['SET c.e = :v', 19 + 1 + 4 + 1 + 1, { ':v': { S: 'v' } }],
    ['SET c[10] = :v', 19 + 1 + 4 + 2 + 1, { ':v': { S: 'v' } }],
    ['SET c = abcdefghij', 19 + 1 + 1 + 14 + 10],
    ['SET c = m.a.z', 19 + 1 + 1 + 3 * 15],
    ['SET c = l[10]', 19 + 1 + 1 + 14 + 1 + 14 + 2],
    ['SET n = n + :v', 19 + 1 + 34 + 16 + 2, { ':v': n }],
    ['SET n = n - :v', 19 + 1 + 37 + 16 + 2, { ':v': n }],
    ['SET c = if_not_exists(c, :v)', 19 + 1 + 39 + 16 + 1, { ':v': { S: 'v' } }],
    ['SET l = list_append(l, :v)', 19 + 1 + 37 + 16 + 3 + 1 + 10, { ':v': list('v'.repeat(10)) }],
    ['SET l = list_append(:v, :v)', 19 + 1 + 37 + 2 * (3 + 1 + 2), { ':v': list('vv') }],
    ['ADD abcdefghij :v', 19 + 10 + 2, { ':v': n }],
    ['ADD ss :v', 19 + 2 + 500, { ':v': { SS: ['s'.repeat(500)] } }, { ss: { SS: ['p'] } }],
    ['ADD ss :v', 19 + 2 + 1, { ':v': { SS: ['p'.repeat(500), 's'] } }, { ss: { SS: ['p'.repeat(500)] } }],
    [
      'ADD m.ns :v',
      19 + 1 + 4 + 2 + 2,
      { ':v': { NS: ['1', '2'] } },
      { m: { M: { ns: { NS: ['2', '3'] } } } },
    ],
    ['ADD bs :v', 19 + 2 + 1, { ':v': { BS: ['AA=='] } }, { bs: { SS: ['AA=='] } }],
    ['REMOVE abcdefghij', 1 + 10],
    ['REMOVE m.yyyyyyyyyy', 1 + 1 + 4 + 10],
    ['REMOVE l[10]', 1 + 1 + 4 + 2],
    ['DELETE ss :v', 1 + 2, { ':v': { SS: ['q'.repeat(20)] } }],
  ])('counts %s as %i bytes', (action, bytes, values = {}, item = {}) => {
    expect(padded(action, values, bytes, item)).not.toThrow();
    expect(padded(action, values, bytes - 1, item)).toThrow(
      expect.objectContaining({
        code: 'ValidationException',
        message: 'Item size to update has exceeded the maximum allowed size',
      }),
    );
  });
});
