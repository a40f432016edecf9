import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';

/**
 * The bare `node:http` server that rows are compared with: answers every request with the body that the file named by its
 * only argument holds, under the headers that DynamoDB sends. It reads the request's body, as every server of this API has to, and
 * looks at nothing of it.
 */
function main(file: string): void {
  const body = readFileSync(file);
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': body.length,
    'x-amzn-requestid': 'A'.repeat(52),
    'x-amz-crc32': crc32(body),
  };
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, headers).end(body));
  });
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
}

main(process.argv[2] ?? '');
