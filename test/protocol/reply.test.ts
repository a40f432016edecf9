import { expect, test } from 'vitest';
import { ItemJson, ItemsJson, type Output, PartJson, Reply } from '../../protocol/reply.ts';

const stored = new ItemJson(Buffer.from('{"a":{"S":"\u00e9"}}'), 3);
const parsed = { a: { S: '\u00e9' } };

/** Where operations put stored items, and what may stand beside them. */
test.each<[string, Output, object]>([
  [
    'a member',
    { Item: stored, ConsumedCapacity: { CapacityUnits: 1 } },
    { Item: parsed, ConsumedCapacity: { CapacityUnits: 1 } },
  ],
  ['a list', { Items: [stored, stored], Count: 2 }, { Items: [parsed, parsed], Count: 2 }],
  ['a list of a table', { Responses: { t: [stored], u: [] } }, { Responses: { t: [parsed], u: [] } }],
  ['members of a list', { Responses: [{ Item: stored }, {}] }, { Responses: [{ Item: parsed }, {}] }],
  ['members behind empty ones', { Responses: [{}, { Item: stored }] }, { Responses: [{}, { Item: parsed }] }],
  [
    'members behind items that are parsed',
    { Responses: [{ Item: parsed }, { Item: stored }] },
    { Responses: [{ Item: parsed }, { Item: parsed }] },
  ],
  [
    'a list that is stored whole',
    { Count: 1, Items: new ItemsJson(Buffer.from('[{"a":{"S":"\u00e9"}}]')) },
    { Count: 1, Items: [parsed] },
  ],
  [
    'a part of one',
    {
      Item: new PartJson(Buffer.from('{"a":{"S":"\u00e9"}}')),
      Responses: [{ Item: new PartJson(Buffer.from('{}')) }],
    },
    { Item: parsed, Responses: [{ Item: {} }] },
  ],
  ['nowhere', { Items: [], Count: 0 }, { Items: [], Count: 0 }],
  ['a member that is absent', { Attributes: undefined, Item: stored }, { Item: parsed }],
])('a stored item is printed as it is in %s', (_place, output, expected) => {
  expect(JSON.parse(new Reply(output).body.toString())).toEqual(expected);
});

test('a reply of bytes is parsed if somebody asks for what it says', () => {
  const reply = Reply.ofBody(Buffer.from('{"Count":1}'));
  expect(reply.body.toString()).toBe('{"Count":1}');
  expect(reply.output).toEqual({ Count: 1 });
  expect(reply.output).toBe(reply.output);
});

test('whoever prints a stored item without knowing it prints the item', () => {
  expect(JSON.parse(JSON.stringify({ Item: stored }))).toEqual({ Item: parsed });
});

test('whoever prints a stored list without knowing it prints the items', () => {
  const Items = new ItemsJson(Buffer.from('[{"a":{"S":"1"}}]'));
  expect(JSON.parse(JSON.stringify({ Items }))).toEqual({ Items: [{ a: { S: '1' } }] });
});
