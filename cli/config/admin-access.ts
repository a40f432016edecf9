import { isLoopback } from '../../proxy/front/access.ts';
import type { Settings } from './options.ts';
import { readSecretFile } from './secret-file.ts';

/** The token of the administration, where one is given, with what is wrong with it. */
export function resolveAdminAccess(
  { admin, adminToken, adminTokenFile }: Settings,
  readFile: (path: string) => string,
): { token: string | undefined; problems: string[] } {
  if (adminToken !== undefined && adminTokenFile !== undefined) {
    return refuse('adminToken = ***: adminTokenFile is given too; leave out one of the two');
  }
  if (adminTokenFile !== undefined) return fromFile(adminTokenFile, readFile);
  if (admin !== undefined && adminToken === undefined && !isLoopback(admin.host)) {
    return refuse(
      `admin = ${JSON.stringify(admin.host)}: can be reached from outside this machine, which needs a token ` +
        '(--admin-token-file, or the variable SLIPSTREAM_ADMIN_TOKEN); or leave out the host to listen on 127.0.0.1',
    );
  }
  return { token: adminToken, problems: [] };
}

function fromFile(path: string, readFile: (path: string) => string) {
  const { secret: token, problem } = readSecretFile(path, readFile);
  const place = `adminTokenFile = ${JSON.stringify(path)}`;
  if (token === undefined) return refuse(`${place}: ${problem}`);
  // What is no part of a header line could never be sent.
  if (!/^[\x21-\x7e]+$/.test(token)) return refuse(`${place}: holds more than printable characters`);
  return { token, problems: [] };
}

function refuse(problem: string): { token: undefined; problems: string[] } {
  return { token: undefined, problems: [problem] };
}
