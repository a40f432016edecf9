import type { Backend } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import type { Operation } from '../../protocol/operation.ts';
import type { Output } from '../../protocol/reply.ts';
import { openUpstream } from '../../proxy/upstream.ts';
import type { Configuration } from '../config/settings.ts';

/** A server that is asked for backups and restores, over its API. */
export class Server {
  readonly #backend: Backend;
  readonly #region: string;

  private constructor(backend: Backend, region: string) {
    this.#backend = backend;
    this.#region = region;
  }

  static async open({ settings, credentials: [credential] }: Configuration): Promise<Server> {
    const url = settings.endpoint ?? endpointDefault;
    const signing = credential === undefined ? {} : { credentials: async () => credential };
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    return new Server(await openUpstream({ url, log, ...signing }), settings.region ?? 'us-east-1');
  }

  /** @throws DynamoDbError */
  async call(operation: Operation, input: Readonly<Record<string, unknown>>): Promise<Output> {
    const { output } = await this.#backend.call({ operation, input, region: this.#region });
    return output;
  }

  /** The same, but undefined where the server says that there is none. @param missing code of that error. */
  async find(
    operation: Operation,
    input: Readonly<Record<string, unknown>>,
    missing: string,
  ): Promise<Output | undefined> {
    try {
      return await this.call(operation, input);
    } catch (error) {
      if (error instanceof DynamoDbError && error.code === missing) return undefined;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#backend.close();
  }
}

export const endpointDefault = 'http://127.0.0.1:8000';

/** DynamoDB's errors say little without their names. */
export function explain(error: unknown): string {
  if (error instanceof DynamoDbError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
