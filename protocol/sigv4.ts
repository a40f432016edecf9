import { hash } from 'node:crypto';
import {
  type DynamoDbError,
  incompleteSignature,
  invalidSignature,
  missingAuthenticationToken,
  unrecognizedClient,
} from './errors.ts';
import { type HmacKey, Remembered, SigningKeys, scopeTerminator } from './signing-key.ts';

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
    const names = Object.keys(headers).sort();
    const signed = { names, text: names.join(';') };
    const scope = `${date.slice(0, 8)}/${region}/${this.#service}/${scopeTerminator}`;
    const canonical = canonicalRequest(request, signed, (name) => headers[name]);
    const key = this.#keys.key(credentials.secretAccessKey, date.slice(0, 8), region);
    const signature = key.sign(stringToSign(date, scope, hash('sha256', canonical)));
    added.authorization = `${algorithm} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed.text}, Signature=${signature}`;
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
  /** What clients repeat with every request is read once: scopes that were right, and lists of signed headers. */
  readonly #scopes = new Remembered<Scope>();
  readonly #headerLists = new Remembered<HeaderList>();

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
    const signed = this.#headerListOf(authorization.signedHeaders);
    checkSignedHeaders(request, signed.names);
    const scope = this.#scopeOf(authorization);
    this.#checkSignature(request, authorization, scope, signed);
    if (request.header('x-amz-security-token') !== scope.credentials.sessionToken) throw unrecognizedClient();
    return scope;
  }

  #headerListOf(text: string): HeaderList {
    return this.#headerLists.get(text) ?? this.#headerLists.add(text, readHeaderList(text));
  }

  #scopeOf(authorization: Authorization): Scope {
    const { credential, date } = authorization;
    if (authorization.algorithm !== algorithm) {
      throw incompleteSignature(
        `Unsupported AWS 'algorithm': '${authorization.algorithm}' (only ${algorithm} for now). `,
      );
    }
    const known = this.#scopes.get(credential);
    if (known !== undefined && date.startsWith(known.day)) return known;
    return this.#scopes.add(credential, this.#readScope(credential, date));
  }

  #readScope(credential: string, date: string): Scope {
    const elements = withoutTrailingSlashes(credential).split('/');
    const [accessKeyId = '', day = '', region = '', service = '', end = ''] = elements;
    if (elements.length !== 5) {
      throw incompleteSignature(
        `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
      );
    }
    this.#checkScope({ day, region, service, end }, date);
    const credentials = this.#credentials.get(accessKeyId);
    if (credentials === undefined) throw unrecognizedClient();
    const key = this.#keys.key(credentials.secretAccessKey, day, region);
    return { accessKeyId, region, day, text: `${day}/${region}/${service}/${end}`, credentials, key };
  }

  #checkScope(scope: { day: string; region: string; service: string; end: string }, date: string): void {
    const problems: string[] = [];
    if (!isRegion(scope.region)) {
      problems.push(`Credential should be scoped to a valid region, not '${scope.region}'.`);
    }
    if (scope.service !== this.#service) {
      problems.push(`Credential should be scoped to correct service: '${this.#service}'.`);
    }
    if (scope.end !== scopeTerminator) {
      problems.push(
        `Credential should be scoped with a valid terminator: '${scopeTerminator}', not '${scope.end}'.`,
      );
    }
    if (scope.day !== date.slice(0, 8)) {
      problems.push(
        'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
          `'${scope.day}' != '${date.slice(0, 8)}', from '${date}'.`,
      );
    }
    if (problems.length > 0) throw invalidSignature(problems.join(' '));
  }

  #checkSignature(
    request: SignedRequest,
    { date, signature }: Authorization,
    { key, text }: Scope,
    signed: HeaderList,
  ): void {
    const canonical = canonicalRequest(request, signed, (name) => request.header(name));
    if (isEqual(signature, key.sign(stringToSign(date, text, hash('sha256', canonical))))) return;
    // Header values came as latin-1; hashing text takes it as UTF-8, which differs where it is not ASCII.
    const bytes = Buffer.from(canonical, 'latin1');
    if (isEqual(signature, key.sign(stringToSign(date, text, hash('sha256', bytes))))) return;
    throw invalidSignature();
  }
}

/** By hand: a pattern for it would try every run of slashes in a hostile text anew. */
function withoutTrailingSlashes(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '/') end--;
  return text.slice(0, end);
}

interface Authorization {
  readonly algorithm: string;
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
  /** `YYYYMMDDTHHMMSSZ` */
  readonly date: string;
}

/** Names of signed headers in lower case, sorted, and joined by semicolons. */
interface HeaderList {
  readonly text: string;
  readonly names: readonly string[];
}

/** A credential's scope and what belongs to it. */
interface Scope extends Verified {
  /** `YYYYMMDD` */
  readonly day: string;
  readonly text: string;
  readonly credentials: Credentials;
  readonly key: HmacKey;
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

/** Most requests carry the same second as the one before. */
let lastDate = '';
let lastDateMs = 0;

function checkDate(date: string, nowMs: number): void {
  if (date !== lastDate) {
    lastDateMs = parseIsoDate(date);
    lastDate = date;
  }
  const ms = lastDateMs;
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

/**
 * The canonical list is in order and names no header twice; no signature fits another one. Refused before anything is
 * made of it: a long header that is named thousands of times would make megabytes of text to hash.
 */
function readHeaderList(text: string): HeaderList {
  const names = text.split(';');
  let before = '';
  for (const name of names) {
    if (name <= before) throw invalidSignature();
    before = name;
  }
  return { text, names };
}

/** What decides who is called and for what has to be signed: the body always is. */
function checkSignedHeaders(request: SignedRequest, names: readonly string[]): void {
  if (!names.includes('host')) {
    throw invalidSignature("'Host' must be a 'SignedHeader' in the AWS Authorization.");
  }
  if (request.header('x-amz-target') !== undefined && !names.includes('x-amz-target')) {
    throw invalidSignature("'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
  }
}

function canonicalRequest(
  request: { readonly method: string; readonly target: string; readonly body: Buffer },
  { text, names }: HeaderList,
  header: (name: string) => string | undefined,
): string {
  const question = request.target.indexOf('?');
  const path = question < 0 ? request.target : request.target.slice(0, question);
  const query = question < 0 ? '' : canonicalQuery(request.target.slice(question + 1));
  let lines = '';
  for (const name of names) lines += `${name}:${canonicalValue(header(name) ?? '')}\n`;
  return `${request.method}\n${path}\n${query}\n${lines}\n${text}\n${hash('sha256', request.body)}`;
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
