import { describe, expect, it } from 'vitest';
import {
  benchItem,
  COLLECTION_ITEMS,
  COLLECTIONS,
  collection,
  ITEM_BYTES,
  ITEMS,
  itemOf,
  keyName,
  REVISION_MIN,
  tableNames,
} from '../../bench/item.ts';
import { fillSlots, requestTemplate } from '../../bench/request.ts';
import { type Workload, workloads } from '../../bench/workload.ts';
import { type Item, itemSize } from '../../protocol/attribute-value.ts';

const all = Object.entries(workloads);

describe('items', () => {
  it.each(tableNames)('of %s have 600 bytes, whatever their key', (table) => {
    for (const number of [0, 1, 99, 100, 4711, ITEMS - 1]) {
      expect(itemSize(itemOf(table, number))).toBe(ITEM_BYTES);
    }
    expect(itemSize(benchItem(ITEMS - 1, REVISION_MIN + 2))).toBe(ITEM_BYTES);
  });

  it.each([
    ['the table', false, 'pk', 'sk'],
    ['its index', true, 'indexPk', 'indexSk'],
  ] as const)('are each in one partition of %s, in the order of its sort key', (_, isIndex, pk, sk) => {
    const partitions = Array.from({ length: COLLECTIONS }, (_, partition) => collection(partition, isIndex));
    partitions.forEach((items, partition) => {
      expect(new Set(items.map((item) => textOf(item, pk)))).toEqual(new Set([keyName(partition)]));
      const sorted = items.map((item) => textOf(item, sk));
      expect(sorted).toEqual([...sorted].sort());
      expect(items).toHaveLength(COLLECTION_ITEMS);
    });
    const keys = partitions.flat().map((item) => `${textOf(item, 'pk')} ${textOf(item, 'sk')}`);
    expect(new Set(keys).size).toBe(ITEMS);
  });
});

describe('requestTemplate', () => {
  it.each(all)('of %s is a request whose digits can be replaced', (_, workload) => {
    const { request, slots } = filledRequest(workload, 117, REVISION_MIN + 99);
    const [head = '', body = ''] = request.split('\r\n\r\n');
    const input = JSON.stringify(workload.input)
      .replaceAll(keyName(0), keyName(117))
      .replaceAll(String(REVISION_MIN), String(REVISION_MIN + 99));
    expect(body).toBe(input);
    expect(slots.map(({ offset }) => offset)).toEqual(
      slots.map(({ offset }) => offset).sort((a, b) => a - b),
    );
    expect(head).toMatch(/^POST \/ HTTP\/1\.1\r\nhost: 127\.0\.0\.1:8000\r\n/);
    expect(head).toContain(`\r\ncontent-length: ${Buffer.byteLength(body)}`);
    expect(head).toContain(`\r\nx-amz-target: DynamoDB_20120810.${workload.operation}\r\n`);
    expect(head).toMatch(
      /\r\nauthorization: AWS4-HMAC-SHA256 Credential=\S+, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/,
    );
  });

  it.each([
    ['get-item', 1, 0],
    ['query-index-100', 1, 0],
    ['scan', 0, 0],
    ['put-item', 1, 1],
    ['update-item', 1, 1],
    ['transact-write-items', 2, 3],
  ] as const)('of %s has %i keys and %i revisions to replace', (name, keys, revisions) => {
    const { slots } = requestTemplate(workloads[name], 1);
    expect(slots.filter(({ holds }) => holds === 'key')).toHaveLength(keys);
    expect(slots.filter(({ holds }) => holds === 'revision')).toHaveLength(revisions);
  });
});

describe('workloads', () => {
  it('expect answers with as many items as they say', () => {
    for (const { operation, answer, items } of Object.values(workloads)) {
      if (operation === 'Query' || operation === 'Scan') expect(answer.Items).toHaveLength(items);
    }
  });
});

function filledRequest(workload: Workload, key: number, revision: number) {
  const { bytes, slots } = requestTemplate(workload, 8000);
  const request = Buffer.from(bytes);
  fillSlots(request, slots, key, revision);
  return { request: request.toString(), slots };
}

function textOf(item: Item, name: string): string {
  const value = item[name];
  return value !== undefined && 'S' in value ? value.S : '';
}
