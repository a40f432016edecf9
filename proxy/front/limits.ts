/** What a client may cost the server. Bytes are bytes on the wire unless said. */
export interface HttpLimits {
  /** Request line and headers of one request. */
  readonly headerBytesMax: number;
  /** Header lines of one request. */
  readonly headersMax: number;
  /** One body, without its chunked framing; a longer one is answered with 413. */
  readonly bodyBytesMax: number;
  /** Chunk extensions and trailers of one chunked body, together; they are read over and dropped. */
  readonly chunkOverheadBytesMax: number;
  /** Bodies over all connections that were gathered from several reads, and again those decompressed; beyond it 503. */
  readonly gatheredBytesMax: number;
  /** Connections; beyond it new ones are closed at once. */
  readonly connectionsMax: number;
  /** Requests of one connection that are with the handler; beyond it the connection is not read. */
  readonly pipelinedMax: number;
  /** Reply bytes waiting for one slow reader; beyond it the connection is not read. */
  readonly outboundBytesMax: number;
  /** Reply bytes waiting over all connections; beyond it those that have waited for their client longest are cut. */
  readonly repliesBytesMax: number;
  /** A connection without a request. Longer than SDKs keep theirs, so that the client is the one to close. */
  readonly idleMs: number;
  /** From the first byte of a head to its end. */
  readonly headMs: number;
  /** From the first byte of a request to its last. */
  readonly requestMs: number;
  /** A reader whose replies wait has this long, and the time they take at `readerBytesPerMsMin`. */
  readonly stallMs: number;
  readonly readerBytesPerMsMin: number;
  /** From our end of the stream, once the client has taken the last answer, until the client's end. */
  readonly lingerMs: number;
  /** From `close()` until connections are cut. */
  readonly closeMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  headerBytesMax: 16 * 1024,
  headersMax: 100,
  // DynamoDB takes 16 MB in a request; the slack is for what a client adds around them.
  bodyBytesMax: 16 * 1024 * 1024 + 64 * 1024,
  chunkOverheadBytesMax: 16 * 1024,
  gatheredBytesMax: 256 * 1024 * 1024,
  connectionsMax: 10_000,
  pipelinedMax: 32,
  outboundBytesMax: 1024 * 1024,
  repliesBytesMax: 512 * 1024 * 1024,
  idleMs: 120_000,
  headMs: 10_000,
  requestMs: 60_000,
  stallMs: 30_000,
  readerBytesPerMsMin: 32,
  lingerMs: 2_000,
  closeMs: 5_000,
};

/** A request that breaks HTTP or a limit: it is answered with `status`, and its connection ends. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
