import { isIP } from 'node:net';
import { accessDenied } from '../../protocol/errors.ts';
import type { HttpRequest } from './handler.ts';

export interface AccessOptions {
  /** Address that is listened on. */
  readonly host: string;
  /** Whether every request's signature is verified. */
  readonly verified: boolean;
  /** Origins of web pages that may call; `*` for all. */
  readonly corsOrigins: readonly string[];
  /** Names, without port, by which clients may call besides loopback and the listening address. */
  readonly allowedHosts: readonly string[];
}

/** Host values remembered as allowed; clients that make up more are looked at anew each time. */
const knownHostsMax = 64;

/**
 * Keeps web pages away from a server that does not verify signatures. A page sends its Origin along, and one that has
 * pointed its own name at this address sends that name as Host. Verified requests need neither check: a page cannot
 * sign.
 */
export class Access {
  readonly #verified: boolean;
  readonly #listening: string;
  /** As browsers and Host headers are compared: in lower case, addresses without brackets. */
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;
  readonly #knownHosts = new Set<string>();

  constructor({ host, verified, corsOrigins, allowedHosts }: AccessOptions) {
    this.#verified = verified;
    this.#listening = host.toLowerCase();
    this.#origins = new Set(corsOrigins.map((origin) => origin.toLowerCase()));
    this.#hosts = new Set(allowedHosts.map(bareName));
  }

  /** @throws DynamoDbError AccessDeniedException with status 403 */
  check(request: HttpRequest): void {
    if (this.#verified) return;
    const host = request.header('host');
    if (host !== undefined && !this.#isHostAllowed(host)) {
      throw accessDenied(`Host ${host} is not allowed here: start with --allowed-host to permit it`);
    }
    const origin = request.header('origin');
    if (origin !== undefined && !this.#isOriginAllowed(origin, host)) {
      throw accessDenied(`Origin ${origin} is not allowed here: start with --cors-origin to permit it`);
    }
  }

  /** Header lines that let the page at `origin` read an answer. */
  corsHeaders(origin: string): string {
    const any = this.#origins.has('*') || (this.#verified && this.#origins.size === 0);
    if (!any && !this.#origins.has(origin)) return '';
    const allowed = any ? '*' : `${origin}\r\nVary: Origin`;
    return `Access-Control-Allow-Origin: ${allowed}\r\nAccess-Control-Expose-Headers: ${exposed}\r\n`;
  }

  #isOriginAllowed(origin: string, host: string | undefined): boolean {
    if (host !== undefined && origin === `http://${host}`) return true;
    return this.#origins.has('*') || this.#origins.has(origin);
  }

  #isHostAllowed(host: string): boolean {
    if (this.#knownHosts.has(host)) return true;
    const name = hostName(host);
    const ours = isWildcard(this.#listening) ? isIP(name) !== 0 : name === this.#listening;
    const allowed = ours || isLoopback(name) || this.#hosts.has(name);
    if (allowed && this.#knownHosts.size < knownHostsMax) this.#knownHosts.add(host);
    return allowed;
  }
}

const exposed = 'x-amzn-requestid,x-amzn-errortype,x-amzn-errormessage,x-amz-crc32,date';

/** Whether an address or name can only mean this machine. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/** Listening on all addresses, any literal one may be ours; a page needs a name to be taken for its own server. */
function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** The name of a Host header: in lower case, without port and brackets. */
function hostName(host: string): string {
  return bareName(host.replace(/:\d+$/, ''));
}

/** A name, or an IPv6 address with or without brackets, as the names of Host headers are compared. */
function bareName(text: string): string {
  const name = text.toLowerCase();
  return name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
}
