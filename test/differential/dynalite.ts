import { fileURLToPath } from 'node:url';
import { ChildServer } from './child-server.ts';

/** Some requests make dynalite throw where nothing catches: such a request has no answer, and it goes on. */
const program = `
  process.on('uncaughtException', () => {});
  const dynalite = require('dynalite');
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  server.listen(0, '127.0.0.1', () => console.log('ready ' + server.address().port));
`;

/** dynalite, in memory. */
export function startDynalite(): Promise<ChildServer> {
  return ChildServer.run(process.execPath, ['-e', program], fileURLToPath(new URL('.', import.meta.url)));
}
