import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/**
 * A server without HTTP, to see how much a load generator can send at most: it counts the bytes of requests and
 * answers each with the body that the file named by its only argument holds, under the shortest headers. All requests of a connection
 * must have one length; the first, which must come in one piece, tells it.
 */
function main(file: string): void {
  const body = readFileSync(file);
  const answer = Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`),
    body,
  ]);
  const server = createServer({ noDelay: true }, (socket) => serve(socket, answer));
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
}

function serve(socket: Socket, answer: Buffer): void {
  let requestBytes = 0;
  let received = 0;
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    if (requestBytes === 0) requestBytes = chunk.length;
    for (received += chunk.length; received >= requestBytes; received -= requestBytes) socket.write(answer);
  });
}

main(process.argv[2] ?? '');
