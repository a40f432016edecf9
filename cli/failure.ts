import type { ListenAddress } from './config/option-types.ts';
import type { Settings } from './config/options.ts';

/** One line for a program that could not start: what is wrong, and which option mends it. */
export function explainFailure(error: unknown, settings: Settings): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const listening = explainListening(error, settings, { host: '--host', port: '--port' });
  return listening ?? folderFailure(code, settings) ?? error.message;
}

/** @param options which of them choose host and port. @returns undefined for what has other reasons. */
export function explainListening(
  error: unknown,
  { host, port }: ListenAddress,
  options: { readonly host: string; readonly port: string },
): string | undefined {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return `port ${port} of ${host} is in use; stop the other process, or choose another with ${options.port} (0: a free one)`;
  }
  if (code === 'EADDRNOTAVAIL' || syscall === 'getaddrinfo') {
    return `${host} is no address of this machine; choose another with ${options.host}`;
  }
  if (code === 'EACCES' && syscall === 'listen') {
    return `port ${port} of ${host} is reserved for the administrator; choose another with ${options.port}`;
  }
  return undefined;
}

function folderFailure(code: string | undefined, { data }: Settings): string | undefined {
  switch (code) {
    case 'ENOENT':
      return `the data folder ${data} cannot be made where it is said to be (${code}); choose another with --data`;
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `the data folder ${data} cannot be written (${code}); change its permissions, or choose another with --data`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `${data} is not a folder; choose another with --data`;
    case 'ENOSPC':
      return `the disk of the data folder ${data} is full; free some room, or choose another folder with --data`;
    default:
      return undefined;
  }
}
