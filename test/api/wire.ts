import { Agent, request } from 'node:http';
import type { Setup } from './setups.ts';

/** An answer as it came over HTTP. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The code of the error without its namespace; empty for an answer that is none. */
  readonly error: string;
  readonly message: string;
}

/** Sends bodies as they are given, which no SDK would. */
export class Wire {
  readonly #setup: Setup;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32 });

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Calls an operation with an input; member names such as `__proto__` have to be the object's own. */
  call(operation: string, input: object, region = this.#setup.region): Promise<Answer> {
    return this.send(operation, JSON.stringify(input), {}, region);
  }

  send(
    operation: string,
    body: string | Buffer,
    headers: Readonly<Record<string, string>> = {},
    region = this.#setup.region,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(
        this.#setup.address,
        {
          method: 'POST',
          agent: this.#agent,
          headers: {
            'Content-Type': 'application/x-amz-json-1.0',
            'X-Amz-Target': `DynamoDB_20120810.${operation}`,
            Authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/${region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
            'Content-Length': `${Buffer.byteLength(body)}`,
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve(answerOf(response.statusCode ?? 0, Buffer.concat(chunks).toString())),
          );
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

function answerOf(status: number, body: string): Answer {
  if (status === 200 || !body.startsWith('{')) return { status, body, error: '', message: '' };
  const { __type: type = '', message, Message } = JSON.parse(body) as Record<string, string | undefined>;
  return { status, body, error: type.split('#').at(-1) ?? '', message: message ?? Message ?? '' };
}
