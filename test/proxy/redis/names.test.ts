import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinKey } from '../../../protocol/key.ts';
import {
  generationNames,
  itemNames,
  pageName,
  proxiesName,
  readMarker,
  recordNames,
  trackedPrefix,
  writtenTablesName,
} from '../../../proxy/cache/redis/names.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array).toString('latin1'));
const tableId = fc.oneof(
  fc.uuid(),
  fc.string({ minLength: 1 }),
  fc.constantFrom('*', '~', '{', '}', 'a,b', 'arn:aws:dynamodb:eu-west-1:1:table/t 1,7e9'),
);
const key = fc.tuple(bytes, bytes).map(([partition, sort]) => joinKey(partition, sort));

describe('a marker', () => {
  test('tells the item that it stands for', () => {
    fc.assert(
      fc.property(tableId, key, (id, key) => {
        expect(readMarker(itemNames(id, key).marker)).toEqual({ kind: 'item', tableId: id, key });
      }),
    );
  });

  test('tells the generation that it stands for', () => {
    fc.assert(
      fc.property(tableId, bytes, (id, name) => {
        const { marker } = generationNames(id, name);
        expect(readMarker(marker)).toEqual({ kind: 'generation', tableId: id, name });
      }),
    );
  });

  test('tells the table that it stands for, or that it stands for all of them', () => {
    fc.assert(
      fc.property(tableId, (id) => {
        expect(readMarker(recordNames(id).marker)).toEqual({ kind: 'table', tableId: id });
      }),
    );
    expect(readMarker(recordNames('').marker)).toEqual({ kind: 'everything' });
  });

  test('is nothing else under the tracked prefix', () => {
    for (const rest of ['', 'k', 'k:', 'k:{', 'k:{a', 'k:{a}b', 'x:{a:b}', 'beat:{a:b}', 'h:1', 'g:a}{b:c']) {
      expect(readMarker(trackedPrefix + rest)).toBeUndefined();
    }
  });
});

describe('names', () => {
  test('of one subject have one hash tag, and only markers lie under the tracked prefix', () => {
    fc.assert(
      fc.property(tableId, key, bytes, (id, key, name) => {
        for (const { marker, ...others } of [
          itemNames(id, key),
          generationNames(id, name),
          recordNames(id),
        ]) {
          expect(marker.startsWith(trackedPrefix)).toBe(true);
          for (const other of Object.values(others)) {
            expect(other.startsWith(trackedPrefix)).toBe(false);
            expect(tagOf(other)).toBe(tagOf(marker));
          }
        }
      }),
    );
    expect(tagOf(writtenTablesName('p'))).toBe(tagOf(proxiesName));
  });

  test('have no comma, by which Redis joins those of one announcement', () => {
    fc.assert(
      fc.property(tableId, key, fc.string(), (id, key, name) => {
        const { id: generation } = generationNames(id, key);
        const names = [...Object.values(itemNames(id, key)), generation, pageName(id, name)];
        expect(names.filter((each) => each.includes(','))).toEqual([]);
      }),
    );
  });

  test('differ for different items of different tables', () => {
    const item = fc.tuple(tableId, key);
    fc.assert(
      fc.property(item, item, (one, other) => {
        fc.pre(one.join('\n') !== other.join('\n'));
        expect(itemNames(...one).value).not.toBe(itemNames(...other).value);
      }),
    );
  });
});

/** As Redis Cluster finds it: between the first brace and the next closing one, if anything is there. */
function tagOf(name: string): string {
  const tag = /\{([^}]+)\}/.exec(name)?.[1];
  if (tag === undefined) throw new Error(`no hash tag in ${name}`);
  return tag;
}
