import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ArchivedChange } from '../../../engine/history/block.ts';
import type { Image } from '../../../engine/log/record.ts';
import { itemKey } from '../../../engine/state/layout.ts';
import { ChangedItems } from '../../../engine/transfer/changed-items.ts';
import { joinKey } from '../../../protocol/key.ts';

/* Any changes of some items, in any portions, against what a map makes of them. */

const keys = ['a', 'b', 'c', 'd', 'e'];
const write = fc.record({ key: fc.constantFrom(...keys), value: fc.option(fc.nat(99), { nil: undefined }) });

const imageOf = (value: number | undefined): Image | undefined =>
  value === undefined ? undefined : { json: Buffer.from(`{"v":{"N":"${value}"}}`), size: 2 };

interface Expected {
  readonly before: number | undefined;
  after: number | undefined;
  timeMs: number;
}

/** The writes as changes, with old images, from a state on. */
function changesOf(
  writes: readonly { readonly key: string; readonly value: number | undefined }[],
  start: ReadonlyMap<string, number>,
): { readonly changes: ArchivedChange[]; readonly expected: Map<string, Expected> } {
  const state = new Map(start);
  const expected = new Map<string, Expected>();
  const changes = writes.map(({ key, value }, i): ArchivedChange => {
    const timeMs = 1_790_000_000_000 + i;
    const [oldImage, newImage] = [imageOf(state.get(key)), imageOf(value)];
    const known = expected.get(key);
    if (known === undefined) expected.set(key, { before: state.get(key), after: value, timeMs });
    else Object.assign(known, { after: value, timeMs });
    if (value === undefined) state.delete(key);
    else state.set(key, value);
    const change = {
      kind: 'item' as const,
      table: 7,
      key: joinKey(key, ''),
      ...(oldImage !== undefined && { oldImage }),
      ...(newImage !== undefined && { newImage }),
    };
    return { sequence: i + 1, timeMs, change };
  });
  return { changes, expected };
}

test('one change for each item that is another one than before', async () => {
  const states = fc.uniqueArray(fc.tuple(fc.constantFrom(...keys), fc.nat(99)), { selector: ([key]) => key });
  await fc.assert(
    fc.asyncProperty(
      states,
      fc.array(write, { maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      async (start, writes, portion) => {
        const { changes, expected } = changesOf(writes, new Map(start));
        const there = [...expected].filter(([, { before, after }]) => (before ?? after) !== undefined);
        const found = await netOf(changes, portion);
        expect(found).toEqual(
          new Map(
            there.map(([key, { before, after, timeMs }]) => [
              itemKey(joinKey(key, '')),
              { timeMs, before: imageOf(before)?.json, after: imageOf(after)?.json },
            ]),
          ),
        );
        expect([...found.keys()]).toEqual([...found.keys()].sort());
      },
    ),
    { numRuns: 40 },
  );
});

async function netOf(changes: readonly ArchivedChange[], portion: number): Promise<Map<string, object>> {
  const directory = mkdtempSync(join(tmpdir(), 'slipstream-changes-'));
  const items = new ChangedItems(join(directory, 'store'));
  try {
    for (let at = 0; at < changes.length; at += portion) items.add(changes.slice(at, at + portion));
    const found = new Map<string, object>();
    for await (const batch of items.items()) for (const { key, ...rest } of batch) found.set(key, rest);
    return found;
  } finally {
    await items.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
