import { resolve } from 'node:path';
import type { Server } from './config/options.ts';
import type { Configuration } from './config/settings.ts';
import type { Log } from './log.ts';

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The base URL of an address; IPv6 in brackets. */
export function addressUrl({ host, port }: Address): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** A server that works now. */
export interface Announced {
  readonly server: Server;
  readonly version: string;
  readonly address: Address;
  /** Where it is administrated, if anywhere. */
  readonly admin: Address | undefined;
  readonly configuration: Configuration;
}

/** Tells on stderr where the server listens, what it works with, and how to call it. */
export function announce(
  { server, version, address, admin, configuration }: Announced,
  log: Log,
  pretty: boolean,
) {
  const facts = { ...factsOf(server, address, configuration), ...adminFact(admin) };
  const example = exampleOf(address, configuration);
  if (!log.isLevelEnabled('info')) return;
  if (!pretty) {
    log.info({ ...facts, example, version }, 'listening');
    return;
  }
  const lines = Object.entries(facts).map(([name, value]) => `  ${name.padEnd(8)} ${value}`);
  const tryIt = example.map((line) => `    ${line}`);
  process.stderr.write(`${[`Slipstream ${version}`, ...lines, '  try', ...tryIt].join('\n')}\n`);
}

function factsOf(server: Server, address: Address, { settings, credentials }: Configuration) {
  const { data, durability, cacheSize, upstream, insecureNoAuth } = settings;
  const unverified = insecureNoAuth
    ? 'open to everybody: signatures are not verified'
    : 'any credentials, from this machine';
  return {
    address: addressUrl(address),
    ...(server === 'proxy' ? { upstream } : { data: `${resolve(data)} (durability: ${durability})` }),
    ...(server === 'engine' ? {} : { cache: `${Math.round(cacheSize / 2 ** 20)} MB` }),
    access:
      credentials.length === 0 ? unverified : `${credentials.length} access key(s), every request verified`,
  };
}

function adminFact(admin: Address | undefined): { admin?: string } {
  return admin === undefined ? {} : { admin: addressUrl(admin) };
}

/** Two lines for a shell. The first version of the AWS CLI, and Python's SDK, know the region by another name. */
function exampleOf({ host, port }: Address, { settings, credentials }: Configuration): [string, string] {
  // What listens everywhere is best called by a name of this machine that is always there.
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const [credential] = credentials;
  const key = credential === undefined ? 'local' : credential.accessKeyId;
  const secret = credential === undefined ? 'local' : '...';
  const region = settings.region ?? 'us-east-1';
  const environment = [
    `AWS_ENDPOINT_URL_DYNAMODB=${addressUrl({ host: reachable, port })}`,
    `AWS_REGION=${region}`,
    `AWS_DEFAULT_REGION=${region}`,
    `AWS_ACCESS_KEY_ID=${key}`,
    `AWS_SECRET_ACCESS_KEY=${secret}`,
  ];
  return [`export ${environment.join(' ')}`, 'aws dynamodb list-tables'];
}
