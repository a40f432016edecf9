import { createRequire } from 'node:module';
import type { AddressInfo, Server } from 'node:net';

interface DynaliteOptions {
  readonly createTableMs: number;
}

/** dynalite has no types of its own. */
const dynalite: (options: DynaliteOptions) => Server = createRequire(import.meta.url)('dynalite');

const server = dynalite({ createTableMs: 0 });
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
