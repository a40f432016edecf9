import { describe, expect, it } from 'vitest';
import {
  answerBody,
  benchItem,
  ITEM_BYTES,
  KEY_DIGITS,
  REVISION_DIGITS,
  REVISION_MIN,
  requestTemplate,
  writeDigits,
} from '../../bench/request.ts';
import { itemSize } from '../../protocol/attribute-value.ts';

describe('benchItem', () => {
  it('is 600 bytes, whatever its key', () => {
    expect(itemSize(benchItem(0))).toBe(ITEM_BYTES);
    expect(itemSize(benchItem(19_999, REVISION_MIN + 2))).toBe(ITEM_BYTES);
  });
});

describe('requestTemplate', () => {
  it.each(['GetItem', 'PutItem'] as const)('of %s is a request whose digits can be replaced', (operation) => {
    const { bytes, keyOffset, revisionOffset } = requestTemplate(operation, 8000);
    const request = Buffer.from(bytes);
    writeDigits(request, keyOffset, KEY_DIGITS, 4711);
    if (revisionOffset !== undefined)
      writeDigits(request, revisionOffset, REVISION_DIGITS, REVISION_MIN + 99);
    const [head = '', body = ''] = request.toString().split('\r\n\r\n');
    const input = JSON.parse(body);
    expect(input.Item ?? input.Key).toEqual(
      operation === 'PutItem' ? benchItem(4711, REVISION_MIN + 99) : { pk: { S: 'item-00004711' } },
    );
    expect(head).toMatch(/^POST \/ HTTP\/1\.1\r\nhost: 127\.0\.0\.1:8000\r\n/);
    expect(head).toContain(`\r\ncontent-length: ${Buffer.byteLength(body)}`);
    expect(head).toContain(`\r\nx-amz-target: DynamoDB_20120810.${operation}\r\n`);
    expect(head).toMatch(
      /\r\nauthorization: AWS4-HMAC-SHA256 Credential=\S+, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/,
    );
  });

  it('carries a revision only where it writes', () => {
    expect(requestTemplate('GetItem', 1).revisionOffset).toBeUndefined();
    expect(requestTemplate('PutItem', 1).revisionOffset).toBeGreaterThan(0);
  });

  it('expects answers of one length', () => {
    expect(answerBody('GetItem')).toBe(JSON.stringify({ Item: benchItem(0) }));
    expect(answerBody('PutItem')).toBe('{}');
  });
});

describe('writeDigits', () => {
  it('pads with zeros and leaves what stands around', () => {
    const bytes = Buffer.from('[xxxxx]');
    writeDigits(bytes, 1, 5, 902);
    expect(bytes.toString()).toBe('[00902]');
  });
});
