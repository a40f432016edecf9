import { isIP } from 'node:net';
import { z } from 'zod';
import { parseRedisUrl } from '../../proxy/cache/redis/address.ts';

/** What the value of an option may be: how it is read, and the words in which help and errors describe it. */
export interface OptionType<T> {
  /** What stands for the value in help, for example `<size>`; empty for a switch. */
  readonly placeholder: string;
  /** Completes "must be": the range and the unit, or the words allowed. */
  readonly allowed: string;
  /** Reads a string of a flag or a variable, or a value of a configuration file. */
  readonly schema: z.ZodType<T>;
  /** Several values may be given. */
  readonly repeatable?: true;
}

export function integer(min: number, max: number): OptionType<number> {
  const allowed = `an integer from ${grouped(min)} to ${grouped(max)}`;
  return optionType('<n>', allowed, (raw) => within(readInteger(raw), min, max));
}

const bytesPerUnit: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

/** A number of bytes: plain, or with a unit of 1,024 (`KB` and `KiB` are the same). */
export function size(min: string, max: string): OptionType<number> {
  const allowed = `a size from ${min} to ${max}: bytes, or with KB, MB or GB`;
  return optionType('<size>', allowed, (raw) => within(readSize(raw), readSize(min), readSize(max)));
}

const msPerUnit: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A time in milliseconds: plain, or with a unit. */
export function duration(min: string, max: string): OptionType<number> {
  const allowed = `a time from ${min} to ${max}: milliseconds, or with ms, s, m, h or d`;
  return optionType('<ms>', allowed, (raw) =>
    within(readDuration(raw), readDuration(min), readDuration(max)),
  );
}

export function choice<const T extends string>(...values: readonly T[]): OptionType<T> {
  return optionType(`<${values.join('|')}>`, `one of ${values.join(', ')}`, (raw) =>
    values.find((value) => value === raw),
  );
}

const toggleWords: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

/** On or off. */
export function toggle(): OptionType<boolean> {
  return optionType('', 'true or false', (raw) =>
    typeof raw === 'boolean' ? raw : toggleWords.get(scalarText(raw)),
  );
}

export function text(placeholder: string, allowed: string, pattern: RegExp): OptionType<string> {
  return optionType(placeholder, allowed, (raw) => (isText(raw) && pattern.test(raw) ? raw : undefined));
}

/** Several texts: a list in a file, a repeated flag, or separated by commas. */
export function texts(placeholder: string, allowed: string, pattern: RegExp): OptionType<string[]> {
  const read = (raw: unknown) => {
    const parts = [raw]
      .flat()
      .flatMap((part) => (isText(part) ? part.split(',').map((one) => one.trim()) : [part]));
    return parts.every((part) => isText(part) && pattern.test(part)) ? (parts as string[]) : undefined;
  };
  return { ...optionType(placeholder, allowed, read), repeatable: true };
}

/** The base address of an HTTP service. */
export function httpUrl(): OptionType<string> {
  const allowed = 'an http:// or https:// address of host and port, without user, path or query';
  return optionType('<url>', allowed, (raw) => (isText(raw) ? readOrigin(raw) : undefined));
}

/** Addresses of Redis, as they were given: user and password in front of an `@`, a database behind a slash. */
export function redisUrls(): OptionType<string[]> {
  const allowed = 'redis:// or rediss:// addresses: host, port, and where needed user, password and database';
  const base = texts('<url>', allowed, /^rediss?:\/\/\S+$/);
  const schema = base.schema.refine(
    (urls) => urls.every(isRedisUrl),
    `must be ${allowed}; a percent sign in them is written %25`,
  );
  return { ...base, schema };
}

/** An address to listen on, in lower case. */
export function hostAddress(): OptionType<string> {
  const allowed = 'an IPv4 or IPv6 address or a host name';
  return optionType('<address>', allowed, (raw) => (isText(raw) ? readHost(raw) : undefined));
}

/** Host and port to listen on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A port, or a host and a port; the host is 127.0.0.1 where it is left out. */
export function listenAddress(): OptionType<ListenAddress> {
  const allowed = 'a port from 0 to 65,535, or a host, a colon and a port; IPv6 addresses in brackets';
  return optionType('<[host:]port>', allowed, readListenAddress);
}

function optionType<T>(
  placeholder: string,
  allowed: string,
  read: (raw: unknown) => T | undefined,
): OptionType<T> {
  const schema = z.unknown().transform((raw, context): T => {
    const value = read(raw);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `must be ${allowed}` });
    return z.NEVER;
  });
  return { placeholder, allowed, schema };
}

function isText(raw: unknown): raw is string {
  return typeof raw === 'string' && raw !== '';
}

/** A text, or a number as YAML reads one; nothing that a file can nest is turned into a text. */
function scalarText(raw: unknown): string {
  return typeof raw === 'string' || typeof raw === 'number' ? String(raw) : '';
}

function readInteger(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isInteger(raw) ? raw : undefined;
  return typeof raw === 'string' && /^\d{1,15}$/.test(raw) ? Number(raw) : undefined;
}

function readSize(raw: unknown): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([kmgt]?)(?:i?b)?$/i.exec(scalarText(raw));
  return match === null
    ? undefined
    : Math.floor(Number(match[1]) * (bytesPerUnit[match[2]?.toLowerCase() ?? ''] ?? 1));
}

function readDuration(raw: unknown): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?(ms|s|m|h|d|)$/.exec(scalarText(raw));
  return match === null ? undefined : Math.round(Number(match[1]) * (msPerUnit[match[2] ?? ''] ?? 1));
}

function readHost(raw: string): string | undefined {
  const bare = raw.replace(/^\[(.*)\]$/, '$1');
  const name = /^(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/;
  // What consists of digits and dots only is meant as an address, so it must be one.
  const isAddress = isIP(bare) !== 0 || (name.test(bare) && !/^[0-9.]+$/.test(bare));
  return isAddress ? bare.toLowerCase() : undefined;
}

function readListenAddress(raw: unknown): ListenAddress | undefined {
  const match = /^(?:(\[[^\]]*\]|[^:]+):)?(\d{1,5})$/.exec(scalarText(raw));
  const host = match === null ? undefined : readHost(match[1] ?? '127.0.0.1');
  const port = within(readInteger(match?.[2]), 0, 65_535);
  return host === undefined || port === undefined ? undefined : { host, port };
}

function isRedisUrl(raw: string): boolean {
  try {
    parseRedisUrl(raw);
    return true;
  } catch {
    return false;
  }
}

function readOrigin(raw: string): string | undefined {
  const url = URL.canParse(raw) ? new URL(raw) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) return undefined;
  const bare =
    url.username === '' && url.password === '' && url.pathname === '/' && url.search + url.hash === '';
  return bare ? url.origin : undefined;
}

function within(
  value: number | undefined,
  min: number | undefined,
  max: number | undefined,
): number | undefined {
  if (value === undefined || min === undefined || max === undefined) return undefined;
  return value >= min && value <= max ? value : undefined;
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
