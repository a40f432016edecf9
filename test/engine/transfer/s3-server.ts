import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A stand-in for S3, which cannot run here: as much of its REST API as the engine uses (AWS: API Reference of Amazon S3), in memory, with
 * path-style addresses. Signatures are required and not verified.
 */
export class S3Server {
  readonly buckets = new Map<string, Map<string, Buffer>>();
  /** Methods with paths and queries, in their order. */
  readonly requests: string[] = [];
  /** What is to be done with the next request instead: answer with this status and code, or break off. */
  readonly failures: ({ readonly status: number; readonly code: string } | 'break')[] = [];
  readonly uploads = new Map<string, Map<number, Buffer>>();
  /** Keys in one page of a list. */
  pageKeysMax = 1000;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<S3Server> {
    const server = new S3Server();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    this.requests.push(`${method} ${url}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const failure = this.failures.shift();
    const { pathname, searchParams } = new URL(url, this.url);
    const [, bucketName = '', ...rest] = decodeURIComponent(pathname).split('/');
    const key = rest.join('/');
    const bucket = this.buckets.get(bucketName);
    const isSigned = request.headers.authorization?.startsWith('AWS4-HMAC-SHA256') === true;
    if (failure !== undefined && failure !== 'break') refuse(response, failure.status, failure.code);
    else if (!isSigned) refuse(response, 403, 'AccessDenied');
    else if (bucket === undefined) refuse(response, 404, 'NoSuchBucket');
    else if (method === 'GET' && key === '') this.#list(bucket, searchParams, response);
    else if (method === 'GET') get(bucket.get(key), request, response, failure === 'break');
    else this.#write(bucket, key, method, searchParams, Buffer.concat(chunks), response);
  }

  #list(bucket: Map<string, Buffer>, query: URLSearchParams, response: ServerResponse): void {
    const after = query.get('continuation-token') ?? '';
    const keys = [...bucket.keys()]
      .filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after)
      .sort();
    const page = keys.slice(0, this.pageKeysMax);
    const contents = page.map((key) => {
      const bytes = bucket.get(key) ?? Buffer.alloc(0);
      return `<Contents><Key>${escaped(key)}</Key><Size>${bytes.length}</Size><ETag>${etagOf(bytes)}</ETag></Contents>`;
    });
    const next =
      page.length < keys.length
        ? `<NextContinuationToken>${escaped(page.at(-1) ?? '')}</NextContinuationToken>`
        : '';
    const isTruncated = `<IsTruncated>${next !== ''}</IsTruncated>`;
    answer(response, 200, `<ListBucketResult>${isTruncated}${next}${contents.join('')}</ListBucketResult>`);
  }

  #write(
    bucket: Map<string, Buffer>,
    key: string,
    method: string,
    query: URLSearchParams,
    body: Buffer,
    response: ServerResponse,
  ): void {
    const id = query.get('uploadId') ?? '';
    const upload = this.uploads.get(id);
    if (method === 'POST' && query.has('uploads')) {
      const newId = `upload-${this.requests.length}`;
      this.uploads.set(newId, new Map());
      answer(
        response,
        200,
        `<InitiateMultipartUploadResult><UploadId>${newId}</UploadId></InitiateMultipartUploadResult>`,
      );
    } else if (method === 'POST' && upload !== undefined) {
      bucket.set(key, Buffer.concat([...upload].sort(([a], [b]) => a - b).map(([, part]) => part)));
      this.uploads.delete(id);
      const etag = `&quot;combined-${upload.size}&quot;`;
      answer(
        response,
        200,
        `<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`,
      );
    } else if (method === 'DELETE') {
      this.uploads.delete(id);
      answer(response, 204, '');
    } else {
      if (upload === undefined) bucket.set(key, body);
      else upload.set(Number(query.get('partNumber')), body);
      response.setHeader('etag', etagOf(body));
      answer(response, 200, '');
    }
  }
}

function get(
  bytes: Buffer | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  breaks: boolean,
): void {
  if (bytes === undefined || request.headers['if-match'] !== etagOf(bytes)) {
    if (bytes === undefined) refuse(response, 404, 'NoSuchKey');
    else refuse(response, 412, 'PreconditionFailed');
    return;
  }
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const part = bytes.subarray(Number(from), Number(to) + 1);
  response.writeHead(206, { 'content-length': part.length, etag: etagOf(bytes) });
  if (!breaks) {
    response.end(part);
    return;
  }
  response.write(part.subarray(0, part.length >> 1));
  setImmediate(() => response.destroy());
}

function answer(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': 'REQUEST' });
  response.end(xml);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  answer(response, status, `<Error><Code>${code}</Code><Message>What ${code} says</Message></Error>`);
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
