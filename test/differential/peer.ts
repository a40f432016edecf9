import { Agent, request } from 'node:http';
import { DynamoDbError } from '../../protocol/errors.ts';
import { TestEngine } from '../engine/engine-harness.ts';
import type { ChildServer } from './child-server.ts';
import { startDynalite } from './dynalite.ts';
import { startDynamoDbLocal } from './dynamodb-local.ts';

export interface Call {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export type Answer =
  | { readonly output: Readonly<Record<string, unknown>> }
  | { readonly error: { readonly code: string; readonly message: string } };

/** A server that answers DynamoDB's API. */
export interface Peer {
  readonly name: string;
  call(call: Call): Promise<Answer>;
  close(): Promise<void>;
}

/** Ours, as the front calls it. */
export async function openEngine(): Promise<Peer> {
  const store = await TestEngine.open({ durability: 'relaxed' });
  return {
    name: 'engine',
    call: async ({ operation, input }) => {
      try {
        return { output: await store.call(operation, input) };
      } catch (error) {
        if (!(error instanceof DynamoDbError)) throw error;
        return { error: { code: error.code, message: error.message } };
      }
    },
    close: () => store.remove(),
  };
}

export async function openDynamoDbLocal(): Promise<Peer> {
  return peerAt('DynamoDB Local', await startDynamoDbLocal());
}

export async function openDynalite(): Promise<Peer> {
  return peerAt('dynalite', await startDynalite());
}

function peerAt(name: string, server: ChildServer): Peer {
  const client = new HttpClient(server.address);
  return {
    name,
    call: (call) => client.call(call),
    close: () => {
      client.close();
      return server.stop();
    },
  };
}

const answerMs = 1_000;

class HttpClient {
  readonly #address: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(address: string) {
    this.#address = address;
  }

  close(): void {
    this.#agent.destroy();
  }

  async call({ operation, input }: Call): Promise<Answer> {
    const { status, body } = await this.#post(operation, JSON.stringify(input));
    if (status === 200) return { output: JSON.parse(body) };
    return { error: errorOf(body) };
  }

  #post(operation: string, body: string): Promise<{ status: number; body: string }> {
    const headers = {
      'Content-Type': 'application/x-amz-json-1.0',
      'X-Amz-Target': `DynamoDB_20120810.${operation}`,
      'X-Amz-Date': '20260101T000000Z',
      Authorization:
        'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      'Content-Length': `${Buffer.byteLength(body)}`,
    };
    return new Promise((resolve) => {
      const options = { method: 'POST', agent: this.#agent, headers, timeout: answerMs };
      const sent = request(this.#address, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
        response.on('error', () => resolve({ status: 0, body: 'no answer' }));
      });
      // Some requests are never answered by some servers.
      sent.on('timeout', () => sent.destroy());
      sent.on('error', () => resolve({ status: 0, body: 'no answer' }));
      sent.end(body);
    });
  }
}

function errorOf(body: string): { code: string; message: string } {
  try {
    const { __type: type = '', message, Message } = JSON.parse(body) as Record<string, string | undefined>;
    return { code: type.split('#').at(-1) ?? '', message: message ?? Message ?? '' };
  } catch {
    return { code: 'not JSON', message: body.slice(0, 200) };
  }
}
