import { crc32 } from 'node:zlib';
import { DynamoDbError } from '../../protocol/errors.ts';
import { Reply } from '../../protocol/reply.ts';
import type { RawReply } from './exchange.ts';

/**
 * Nobody knows whether the call took effect: the request may have reached the store, and no answer that can be
 * trusted came back. Whoever guards something by a write's outcome has to take it for both done and not done.
 */
export class UnansweredError extends DynamoDbError {
  readonly unanswered = true;
}

/** A reply that is damaged, or not of DynamoDB: it says nothing about the call. */
export class UnreadableReply extends Error {
  override readonly name = 'UnreadableReply';
}

/**
 * What the endpoint's answer means.
 * @throws DynamoDbError the endpoint's own; UnansweredError where a fault of the server leaves the outcome open
 * (AWS: Programming.Errors, HTTP status 500); UnreadableReply
 */
export function readAnswer(raw: RawReply): Reply {
  if (raw.crc32 !== undefined && raw.crc32 !== crc32(raw.body)) {
    throw new UnreadableReply('the checksum of the reply is wrong');
  }
  const output = parseObject(raw);
  if (raw.status === 200) return new Reply(output, raw.body, raw.extensions);
  throw errorOf(raw.status, output);
}

function parseObject(raw: RawReply): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(raw.body.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Said below, as for JSON that is no object.
  }
  throw new UnreadableReply(`HTTP ${raw.status} without a JSON object`);
}

function errorOf(status: number, output: Record<string, unknown>): DynamoDbError {
  const { __type: type, message, Message: capitalMessage, ...members } = output;
  if (typeof type !== 'string') throw new UnreadableReply(`HTTP ${status} without an error type`);
  const code = type.slice(type.indexOf('#') + 1);
  const text = message ?? capitalMessage;
  const ErrorClass = status >= 500 ? UnansweredError : DynamoDbError;
  return new ErrorClass(code, typeof text === 'string' ? text : '', status, members);
}
