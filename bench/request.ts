import { createHash, randomUUID } from 'node:crypto';
import { type Item, itemSize } from '../protocol/attribute-value.ts';

export const tableName = 'bench';

/** Every item has this size, as DynamoDB counts it (AWS: CapacityUnitCalculations). */
export const ITEM_BYTES = 600;

/** Keys are `item-` and this many digits, so that all requests of a row have one length. */
export const KEY_DIGITS = 8;

/**
 * Revisions are numbers of exactly this many digits: none begins with 0, which would not be canonical, and the first
 * does not end with 0 either, as trailing zeros take no space in an item.
 */
export const REVISION_DIGITS = 12;
export const REVISION_MIN = 100_000_000_001;

export type Operation = 'GetItem' | 'PutItem';

/**
 * A whole HTTP request as bytes. A generator writes other digits into it at the two offsets (in bytes) and sends it
 * as it is, so that making a request costs the generator next to nothing.
 */
export interface RequestTemplate {
  readonly bytes: Buffer;
  readonly keyOffset: number;
  /** Absent where the request carries no revision. */
  readonly revisionOffset: number | undefined;
}

/** The request of `operation` for key 0 and the first revision, to the DynamoDB endpoint on loopback at `port`. */
export function requestTemplate(operation: Operation, port: number): RequestTemplate {
  const body = JSON.stringify(requestInput(operation));
  const bytes = Buffer.concat([Buffer.from(requestHead(operation, port, body), 'latin1'), Buffer.from(body)]);
  const revisionOffset = bytes.indexOf(String(REVISION_MIN));
  return {
    bytes,
    keyOffset: bytes.indexOf(keyName(0)) + keyName(0).length - KEY_DIGITS,
    revisionOffset: revisionOffset < 0 ? undefined : revisionOffset,
  };
}

/** Headers as an AWS SDK sends them. The signature has the right form only: the rows measure without verification. */
export function requestHeaders(operation: string, body: string): Record<string, string> {
  const now = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `bench/${now.slice(0, 8)}/us-east-1/dynamodb/aws4_request`;
  const sha256 = createHash('sha256').update(body).digest('hex');
  const signedHeaders =
    'amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-target;x-amz-user-agent';
  return {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `DynamoDB_20120810.${operation}`,
    'x-amz-user-agent': 'aws-sdk-js/3.1164.0',
    'user-agent': 'aws-sdk-js/3.1164.0 ua/2.1 os/linux lang/js md/nodejs#20.19.0 api/dynamodb#3.1164.0 m/E',
    'amz-sdk-invocation-id': randomUUID(),
    'amz-sdk-request': 'attempt=1; max=3',
    'x-amz-date': now,
    'x-amz-content-sha256': sha256,
    authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${signedHeaders}, Signature=${sha256}`,
  };
}

/** The item with key number `key`: six attributes of the common types, 600 bytes together. */
export function benchItem(key: number, revision = REVISION_MIN): Item {
  return { ...shortItem(key, revision), payload: { S: payload } };
}

/** The answer's body as a table store gives it; its length is the same for every key and revision. */
export function answerBody(operation: Operation): string {
  return operation === 'GetItem' ? JSON.stringify({ Item: benchItem(0) }) : '{}';
}

/** Writes `value` as exactly `width` decimal digits into `bytes`. */
export function writeDigits(bytes: Buffer, offset: number, width: number, value: number): void {
  let rest = value;
  for (let i = offset + width - 1; i >= offset; i--) {
    const quotient = Math.floor(rest / 10);
    bytes[i] = 48 + rest - quotient * 10;
    rest = quotient;
  }
}

export function keyName(key: number): string {
  return `item-${String(key).padStart(KEY_DIGITS, '0')}`;
}

function shortItem(key: number, revision: number): Item {
  return {
    pk: { S: keyName(key) },
    revision: { N: String(revision) },
    name: { S: 'Slipstream benchmark item' },
    active: { BOOL: true },
    address: { M: { street: { S: 'Main Street 1' }, city: { S: 'Springfield' }, zip: { S: '12345' } } },
  };
}

/** Fills the item up to its 600 bytes. */
const payload = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit, '
  .repeat(ITEM_BYTES / 50)
  .slice(0, ITEM_BYTES - itemSize(shortItem(0, REVISION_MIN)) - 'payload'.length);

function requestInput(operation: Operation): Record<string, unknown> {
  if (operation === 'GetItem') return { TableName: tableName, Key: { pk: { S: keyName(0) } } };
  return { TableName: tableName, Item: benchItem(0) };
}

function requestHead(operation: Operation, port: number, body: string): string {
  const headers = {
    host: `127.0.0.1:${port}`,
    connection: 'keep-alive',
    'content-length': String(Buffer.byteLength(body)),
    ...requestHeaders(operation, body),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST / HTTP/1.1\r\n${lines.join('')}\r\n`;
}
