import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { Redis } from 'ioredis';

/**
 * What reading from Redis costs at least: a bare `node:http` server (http-server.ts) that for each request gets the body of its answer from
 * the Redis at the port that its first argument says, by one GET of ioredis. The names are as many as the table has items, and
 * taken in turns; each holds what the file named by the second argument does.
 */
async function main(redisPort: number, file: string): Promise<void> {
  const value = readFileSync(file);
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': value.length,
    'x-amzn-requestid': 'A'.repeat(52),
    'x-amz-crc32': crc32(value),
  };
  const redis = new Redis(redisPort, '127.0.0.1');
  await Promise.all(Array.from({ length: NAMES }, (_, number) => redis.set(nameOf(number), value)));
  let requests = 0;
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', async () => {
      const body = await redis.getBuffer(nameOf(requests++ % NAMES));
      response.writeHead(200, headers).end(body);
    });
  });
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
}

const NAMES = 20_000;

/** As long as the accelerator's names are, and of a prefix of its own. */
function nameOf(number: number): string {
  return `bare:${String(number).padStart(60, '0')}`;
}

await main(Number(process.argv[2]), process.argv[3] ?? '');
