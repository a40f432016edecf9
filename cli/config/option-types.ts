import { isIP } from 'node:net';
import { z } from 'zod';

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

/** On or off. */
export function toggle(): OptionType<boolean> {
  const words: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };
  return optionType('', 'true or false', (raw) => (typeof raw === 'boolean' ? raw : words[String(raw)]));
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

/** An address to listen on, in lower case. */
export function hostAddress(): OptionType<string> {
  const name = /^(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$/;
  return optionType('<address>', 'an IPv4 or IPv6 address or a host name', (raw) => {
    if (!isText(raw)) return undefined;
    const bare = raw.replace(/^\[(.*)\]$/, '$1');
    // What consists of digits and dots only is meant as an address, so it must be one.
    const isAddress = isIP(bare) !== 0 || (name.test(bare) && !/^[0-9.]+$/.test(bare));
    return isAddress ? bare.toLowerCase() : undefined;
  });
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

function readInteger(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isInteger(raw) ? raw : undefined;
  return typeof raw === 'string' && /^\d{1,15}$/.test(raw) ? Number(raw) : undefined;
}

function readSize(raw: unknown): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([kmgt]?)(?:i?b)?$/i.exec(String(raw));
  return match === null
    ? undefined
    : Math.floor(Number(match[1]) * (bytesPerUnit[match[2]?.toLowerCase() ?? ''] ?? 1));
}

function readDuration(raw: unknown): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?(ms|s|m|h|d|)$/.exec(String(raw));
  return match === null ? undefined : Math.round(Number(match[1]) * (msPerUnit[match[2] ?? ''] ?? 1));
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
