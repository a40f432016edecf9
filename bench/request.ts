import { createHash, randomUUID } from 'node:crypto';
import { KEY_DIGITS, keyName, REVISION_DIGITS, REVISION_MIN } from './item.ts';
import type { Workload } from './workload.ts';

/** Where a generator writes the digits of a request's key, or of its revision: at this offset, in bytes. */
export interface Slot {
  readonly offset: number;
  readonly holds: 'key' | 'revision';
}

/**
 * A whole HTTP request as bytes. A generator writes other digits into its slots and sends it as it is, so that making
 * a request costs the generator next to nothing.
 */
export interface RequestTemplate {
  readonly bytes: Buffer;
  /** In the order of their offsets. */
  readonly slots: readonly Slot[];
}

/** The request of `workload` for key 0 and the first revision, to the DynamoDB endpoint on loopback at `port`. */
export function requestTemplate(workload: Workload, port: number): RequestTemplate {
  const body = JSON.stringify(workload.input);
  const bytes = Buffer.concat([
    Buffer.from(requestHead(workload.operation, port, body), 'latin1'),
    Buffer.from(body),
  ]);
  const keys = offsetsOf(bytes, keyName(0)).map((offset) => ({
    offset: offset + keyName(0).length - KEY_DIGITS,
    holds: 'key' as const,
  }));
  const revisions = offsetsOf(bytes, String(REVISION_MIN)).map((offset) => ({
    offset,
    holds: 'revision' as const,
  }));
  return { bytes, slots: [...keys, ...revisions].sort((a, b) => a.offset - b.offset) };
}

/** Writes a key and a revision into the slots of a request's bytes. */
export function fillSlots(bytes: Buffer, slots: readonly Slot[], key: number, revision: number): void {
  for (const { offset, holds } of slots) {
    if (holds === 'key') writeDigits(bytes, offset, KEY_DIGITS, key);
    else writeDigits(bytes, offset, REVISION_DIGITS, revision);
  }
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

function requestHead(operation: string, port: number, body: string): string {
  const headers = {
    host: `127.0.0.1:${port}`,
    connection: 'keep-alive',
    'content-length': String(Buffer.byteLength(body)),
    ...requestHeaders(operation, body),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST / HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Writes `value` as exactly `width` decimal digits into `bytes`. */
function writeDigits(bytes: Buffer, offset: number, width: number, value: number): void {
  let rest = value;
  for (let i = offset + width - 1; i >= offset; i--) {
    const quotient = Math.floor(rest / 10);
    bytes[i] = 48 + rest - quotient * 10;
    rest = quotient;
  }
}

function offsetsOf(bytes: Buffer, text: string): number[] {
  const offsets: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) offsets.push(at);
  return offsets;
}
