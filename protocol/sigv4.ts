import { createHmac, hash } from 'node:crypto';
import {
  type DynamoDbError,
  incompleteSignature,
  invalidSignature,
  missingAuthenticationToken,
  unrecognizedClient,
} from './errors.ts';

/** An access key. `sessionToken` goes along with temporary ones. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A request as its signature covers it. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as they go over the wire. */
  readonly target: string;
  readonly body: Buffer;
  /** @param name in lower case. @returns the value; those of a repeated header joined by commas. */
  header(name: string): string | undefined;
}

/** A request to be signed; all headers given are signed. */
export interface UnsignedRequest {
  readonly method: string;
  readonly target: string;
  readonly body: Buffer;
  /** Names in lower case, `host` among them. */
  readonly headers: Readonly<Record<string, string>>;
}

const algorithm = 'AWS4-HMAC-SHA256';
const terminator = 'aws4_request';
const defaultService = 'dynamodb';
/** A signature holds for this long around its date. */
const skewMs = 15 * 60_000;

/** Whether a text can be the name of a region. */
export function isRegion(text: string): boolean {
  return /^[a-z0-9-]{1,32}$/.test(text);
}

/**
 * Signs requests (AWS: Signature Version 4, "Create a signed AWS API request").
 */
export class RequestSigner {
  readonly #keys: SigningKeys;
  readonly #service: string;

  constructor(service = defaultService) {
    this.#keys = new SigningKeys(service);
    this.#service = service;
  }

  /** @returns the headers to send besides `request.headers`. */
  sign(
    request: UnsignedRequest,
    credentials: Credentials,
    region: string,
    nowMs: number,
  ): Record<string, string> {
    const date = isoDate(nowMs);
    const added: Record<string, string> = { 'x-amz-date': date };
    if (credentials.sessionToken !== undefined) added['x-amz-security-token'] = credentials.sessionToken;
    const headers = { ...request.headers, ...added };
    const names = Object.keys(headers).sort().join(';');
    const scope = `${date.slice(0, 8)}/${region}/${this.#service}/${terminator}`;
    const canonical = canonicalRequest(request, names, (name) => headers[name]);
    const key = this.#keys.key(credentials.secretAccessKey, date.slice(0, 8), region);
    const signature = key.sign(stringToSign(date, scope, hash('sha256', canonical)));
    added.authorization = `${algorithm} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    return added;
  }
}

/** Who signed a request, and for which region. */
export interface Verified {
  readonly accessKeyId: string;
  readonly region: string;
}

/** Verifies the signatures of requests that carry them in their headers. */
export class SignatureVerifier {
  readonly #credentials: ReadonlyMap<string, Credentials>;
  readonly #keys: SigningKeys;
  readonly #service: string;

  constructor(credentials: readonly Credentials[], service = defaultService) {
    this.#credentials = new Map(credentials.map((one) => [one.accessKeyId, one]));
    this.#keys = new SigningKeys(service);
    this.#service = service;
  }

  /**
   * The checks stand in AWS's order.
   * @param nowMs wall-clock time; the signature's date may differ by 15 minutes.
   * @throws DynamoDbError MissingAuthenticationTokenException, IncompleteSignatureException,
   * InvalidSignatureException or UnrecognizedClientException
   */
  verify(request: SignedRequest, nowMs: number): Verified {
    const authorization = readAuthorization(request);
    checkDate(authorization.date, nowMs);
    checkSignedHeaders(request, authorization.signedHeaders);
    const scope = this.#readScope(authorization);
    const credentials = this.#credentials.get(scope.accessKeyId);
    if (credentials === undefined) throw unrecognizedClient();
    this.#checkSignature(request, authorization, scope, credentials);
    if (request.header('x-amz-security-token') !== credentials.sessionToken) throw unrecognizedClient();
    return scope;
  }

  #readScope({ algorithm: named, credential, date }: Authorization): Scope {
    if (named !== algorithm) {
      throw incompleteSignature(`Unsupported AWS 'algorithm': '${named}' (only ${algorithm} for now). `);
    }
    const elements = credential.replace(/\/+$/, '').split('/');
    const [accessKeyId = '', day = '', region = '', service, end] = elements;
    if (elements.length !== 5) {
      throw incompleteSignature(
        `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
      );
    }
    let problems = '';
    if (!isRegion(region)) problems += `Credential should be scoped to a valid region, not '${region}'. `;
    if (service !== this.#service) {
      problems += `Credential should be scoped to correct service: '${this.#service}'. `;
    }
    if (end !== terminator) {
      problems += `Credential should be scoped with a valid terminator: '${terminator}', not '${end}'. `;
    }
    if (day !== date.slice(0, 8)) {
      problems += `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${day}' != '${date.slice(0, 8)}', from '${date}'. `;
    }
    if (problems !== '') throw invalidSignature(problems.trimEnd());
    return { accessKeyId, region, text: `${day}/${region}/${service}/${end}` };
  }

  #checkSignature(
    request: SignedRequest,
    authorization: Authorization,
    scope: Scope,
    credentials: Credentials,
  ): void {
    const { date, signedHeaders, signature } = authorization;
    const key = this.#keys.key(credentials.secretAccessKey, date.slice(0, 8), scope.region);
    const canonical = canonicalRequest(request, signedHeaders, (name) => request.header(name));
    if (isEqual(signature, key.sign(stringToSign(date, scope.text, hash('sha256', canonical))))) return;
    // Header values came as latin-1; hashing text takes it as UTF-8, which differs where it is not ASCII.
    const bytes = Buffer.from(canonical, 'latin1');
    if (isEqual(signature, key.sign(stringToSign(date, scope.text, hash('sha256', bytes))))) return;
    throw invalidSignature();
  }
}

interface Authorization {
  readonly algorithm: string;
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
  /** `YYYYMMDDTHHMMSSZ` */
  readonly date: string;
}

interface Scope extends Verified {
  readonly text: string;
}

function readAuthorization(request: SignedRequest): Authorization {
  const header = request.header('authorization');
  if (header === undefined || !header.startsWith('AWS4-')) throw missingAuthenticationToken();
  const credential = fieldOf(header, 'Credential=');
  const signature = fieldOf(header, 'Signature=');
  const signedHeaders = fieldOf(header, 'SignedHeaders=');
  const date = request.header('x-amz-date') ?? dateHeader(request);
  if (credential === '' || signature === '' || signedHeaders === '' || date === undefined) {
    throw missingParts(
      header,
      { Credential: credential, Signature: signature, SignedHeaders: signedHeaders },
      date,
    );
  }
  const end = header.indexOf(' ');
  return { algorithm: end < 0 ? header : header.slice(0, end), credential, signedHeaders, signature, date };
}

/** The value behind ` name=` or `,name=`, up to a comma or a space; empty where there is none. */
function fieldOf(header: string, name: string): string {
  let start = header.indexOf(name);
  while (start > 0 && !isSeparator(header.charCodeAt(start - 1))) start = header.indexOf(name, start + 1);
  if (start <= 0) return '';
  start += name.length;
  let end = start;
  while (end < header.length && !isSeparator(header.charCodeAt(end))) end++;
  return header.slice(start, end);
}

function isSeparator(code: number): boolean {
  return code === 44 || code === 32 || code === 9;
}

function missingParts(
  header: string,
  parts: Record<string, string>,
  date: string | undefined,
): DynamoDbError {
  let message = '';
  for (const [name, value] of Object.entries(parts)) {
    if (value === '') message += `Authorization header requires '${name}' parameter. `;
  }
  if (date === undefined) {
    message += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  }
  return incompleteSignature(`${message}Authorization=${header}`);
}

/** The standard Date header, which may stand for X-Amz-Date, in the latter's form. */
function dateHeader(request: SignedRequest): string | undefined {
  const date = request.header('date');
  if (date === undefined || isoDatePattern.test(date)) return date;
  const ms = Date.parse(date);
  return Number.isNaN(ms) ? date : isoDate(ms);
}

const isoDatePattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

function isoDate(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

function checkDate(date: string, nowMs: number): void {
  const ms = parseIsoDate(date);
  if (Number.isNaN(ms)) {
    throw incompleteSignature(
      `Date must be in ISO-8601 'basic format'. Got '${date}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    );
  }
  if (ms < nowMs - skewMs) {
    throw invalidSignature(
      `Signature expired: ${date} is now earlier than ${isoDate(nowMs - skewMs)} (${isoDate(nowMs)} - 15 min.)`,
    );
  }
  if (ms > nowMs + skewMs) {
    throw invalidSignature(
      `Signature not yet current: ${date} is still later than ${isoDate(nowMs + skewMs)} (${isoDate(nowMs)} + 15 min.)`,
    );
  }
}

function parseIsoDate(date: string): number {
  const match = isoDatePattern.exec(date);
  if (match === null) return Number.NaN;
  const [, year, month, day, hour, minute, second] = match;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

/** What decides who is called and for what has to be signed: the body always is. */
function checkSignedHeaders(request: SignedRequest, signedHeaders: string): void {
  const names = signedHeaders.split(';');
  if (!names.includes('host')) {
    throw invalidSignature("'Host' must be a 'SignedHeader' in the AWS Authorization.");
  }
  if (request.header('x-amz-target') !== undefined && !names.includes('x-amz-target')) {
    throw invalidSignature("'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
  }
}

/** @param signedHeaders names in lower case, sorted, joined by semicolons. */
function canonicalRequest(
  request: { readonly method: string; readonly target: string; readonly body: Buffer },
  signedHeaders: string,
  header: (name: string) => string | undefined,
): string {
  const question = request.target.indexOf('?');
  const path = question < 0 ? request.target : request.target.slice(0, question);
  const query = question < 0 ? '' : canonicalQuery(request.target.slice(question + 1));
  let lines = '';
  for (const name of signedHeaders.split(';')) lines += `${name}:${canonicalValue(header(name) ?? '')}\n`;
  return `${request.method}\n${path}\n${query}\n${lines}\n${signedHeaders}\n${hash('sha256', request.body)}`;
}

function canonicalValue(value: string): string {
  const trimmed = value.trim();
  return trimmed.includes('  ') ? trimmed.replace(/ +/g, ' ') : trimmed;
}

function canonicalQuery(query: string): string {
  const parameters = query.split('&').map((parameter) => {
    const [name = '', ...value] = parameter.split('=');
    return `${encodeStrictly(name)}=${encodeStrictly(value.join('='))}`;
  });
  return parameters.sort().join('&');
}

/** Percent-encodes everything but RFC 3986's unreserved characters, whether it comes encoded or not. */
function encodeStrictly(text: string): string {
  let plain = text;
  try {
    plain = decodeURIComponent(text);
  } catch {
    // Not an encoding: the text is taken as it is.
  }
  return encodeURIComponent(plain).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function stringToSign(date: string, scope: string, canonicalHash: string): string {
  return `${algorithm}\n${date}\n${scope}\n${canonicalHash}`;
}

/** Takes as long for a near miss as for a far one. */
function isEqual(given: string, expected: string): boolean {
  if (given.length !== expected.length) return false;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) difference |= given.charCodeAt(i) ^ expected.charCodeAt(i);
  return difference === 0;
}

/** Days and regions times keys in use; when it is full the oldest makes room. */
const signingKeysMax = 256;

/** Signing keys hold for one secret, day and region; making one takes four HMACs, so they are kept. */
class SigningKeys {
  readonly #service: string;
  readonly #keys = new Map<string, HmacKey>();

  constructor(service: string) {
    this.#service = service;
  }

  key(secret: string, day: string, region: string): HmacKey {
    const name = `${day}/${region}/${secret}`;
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const key = new HmacKey(deriveKey(secret, [day, region, this.#service, terminator]));
    if (this.#keys.size >= signingKeysMax) this.#dropOldest();
    this.#keys.set(name, key);
    return key;
  }

  #dropOldest(): void {
    for (const name of this.#keys.keys()) {
      this.#keys.delete(name);
      return;
    }
  }
}

function deriveKey(secret: string, parts: readonly string[]): Buffer {
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of parts) key = createHmac('sha256', key).update(part).digest();
  return key;
}

const blockBytes = 64;
const digestBytes = 32;

/**
 * HMAC-SHA256 under one key by two one-shot hashes, which cost half of what node:crypto's Hmac object does
 * (RFC 2104: H(key xor opad, H(key xor ipad, text))).
 */
class HmacKey {
  readonly #inner: Buffer;
  readonly #outer: Buffer;

  /** @param key no longer than a block. */
  constructor(key: Buffer) {
    this.#inner = pad(key, 0x36, blockBytes);
    this.#outer = pad(key, 0x5c, blockBytes + digestBytes);
  }

  /** @returns the signature of an ASCII text, in hexadecimal digits. */
  sign(text: string): string {
    const message = Buffer.concat([this.#inner, Buffer.from(text, 'latin1')]);
    this.#outer.write(hash('sha256', message, 'hex'), blockBytes, 'hex');
    return hash('sha256', this.#outer, 'hex');
  }
}

function pad(key: Buffer, byte: number, length: number): Buffer {
  const padded = Buffer.alloc(length);
  padded.fill(byte, 0, blockBytes);
  for (const [i, keyByte] of key.entries()) padded[i] = keyByte ^ byte;
  return padded;
}
