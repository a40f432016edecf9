import { isLoopback } from '../../proxy/front/access.ts';
import type { ListenAddress } from './option-types.ts';
import type { Settings } from './options.ts';
import { readSecretFile } from './secret-file.ts';

/** The token of the administration, where one is given, with what is wrong with it or with its address. */
export function resolveAdminAccess(
  settings: Settings,
  readFile: (path: string) => string,
): { token: string | undefined; problems: string[] } {
  const { admin, adminToken, adminTokenFile } = settings;
  if (admin !== undefined && isSameAddress(admin, settings)) {
    return refuse(
      `admin = ${admin.port}: is the port of the API, too; choose another with --admin or --port`,
    );
  }
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

/** Port 0 is another one each time. What listens everywhere has the port of every address. */
function isSameAddress(a: ListenAddress, b: ListenAddress): boolean {
  const isShared = a.host === b.host || [a.host, b.host].some((host) => host === '0.0.0.0' || host === '::');
  return a.port === b.port && a.port !== 0 && isShared;
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
