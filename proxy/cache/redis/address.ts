/** Where a Redis is, and who we are there. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly isTls: boolean;
}

const standardPort = 6379;
const databaseMax = 2 ** 31 - 1;

/**
 * @param url `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://` for TLS; what is not a letter or digit in
 * user and password may be percent-encoded.
 * @throws Error that says what is wrong without repeating the URL, which may hold a password.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '') {
    throw new Error('a Redis URL is redis://HOST[:PORT][/DATABASE] or rediss://...');
  }
  if (parsed.search !== '' || parsed.hash !== '') throw new Error('a Redis URL has neither ? nor #');
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? standardPort : Number(parsed.port),
    username: decoded(parsed.username),
    password: decoded(parsed.password),
    database: databaseIn(parsed.pathname),
    isTls: parsed.protocol === 'rediss:',
  };
}

/** For logs and errors. */
export function addressName({ host, port }: RedisAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function decoded(text: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('a percent sign in the user or password of a Redis URL is written %25');
  }
}

function databaseIn(path: string): number {
  const digits = /^\/?(\d*)$/.exec(path)?.[1];
  const database = Number(digits);
  if (digits === undefined || database > databaseMax) {
    throw new Error('the database in a Redis URL is a number');
  }
  return database;
}
