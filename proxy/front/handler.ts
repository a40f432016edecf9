/** A whole request, as a handler sees it. */
export interface HttpRequest {
  readonly method: string;
  /** As it stands in the request line, for example `/?x=1`. */
  readonly target: string;
  /** Never changed by the handler; it may be kept. */
  readonly body: Buffer;
  /** @param name in lower case. @returns the value; values of a repeated header are joined by commas. */
  header(name: string): string | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** Header lines in latin-1, each with its CRLF; framing, `Date` and `Connection` are the server's. */
  readonly headers: string;
  readonly body: Buffer;
}

/**
 * Answers one request. An answer that is returned as it is, not as a promise, is written out without a turn of the
 * event loop, and those of several pipelined requests leave in one write.
 */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
