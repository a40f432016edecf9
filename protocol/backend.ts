import type { ExtensionHeaders } from './extension-headers.ts';
import type { ItemJson, Reply } from './reply.ts';

/** One call of the DynamoDB API, as the front read it off the wire. */
export interface Request {
  /** The operation's name, for example `GetItem`; not necessarily one that exists. */
  readonly operation: string;
  /** The parsed body: always a JSON object, otherwise unchecked. Never changed by whoever receives it. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The bytes `input` was parsed from; absent where `input` was made here. */
  readonly body?: Buffer;
  /** The region that the caller signed for; each region has its own tables. */
  readonly region: string;
  /** The caller wants the store's own answer, not a cached one. */
  readonly noCache?: boolean;
  /** What the call carries that is not AWS's; such a call is never answered from a cache. */
  readonly extensions?: ExtensionHeaders | undefined;
  /** Identity of a write: the change records that it causes carry the same object. */
  readonly origin?: object;
}

/**
 * A table store: one DynamoDB call in, its reply or its `DynamoDbError` (thrown or rejected) out. A reply that is
 * ready at once is returned as it is, not as a promise: the path of a cached read has no turn of the event loop.
 */
export interface Backend {
  call(request: Request): Reply | Promise<Reply>;
  /** What was committed, in the order of the commits; absent where the store does not tell. */
  readonly changes?: ChangeFeed;
  /** How long its eventually consistent reads may be behind its acknowledgements, in ms, where the store tells. */
  readonly lagMs?: number;
  /** Answers everything that was called, then lets go of files and connections. */
  close(): Promise<void>;
}

/** Where a store announces commits in their order, each before its writer has the acknowledgement. */
export interface ChangeFeed {
  /** @returns a function that ends the subscription. */
  subscribe(listener: ChangeListener): () => void;
}

export interface ChangeListener {
  item(change: CommittedChange): void;
  /** A table was created, deleted or changed in its description. */
  table(change: { readonly region: string; readonly tableName: string; readonly tableId: string }): void;
}

export interface CommittedChange {
  readonly tableId: string;
  /** The primary key as `canonicalKey` of key.ts gives it. */
  readonly key: string;
  readonly oldItem: ItemJson | undefined;
  readonly newItem: ItemJson | undefined;
  /** `Request.origin` of the call that made the change. */
  readonly origin: object | undefined;
}
