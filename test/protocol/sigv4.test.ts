import { createHash, createHmac } from 'node:crypto';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Credentials,
  RequestSigner,
  SignatureVerifier,
  type SignedRequest,
  type UnsignedRequest,
} from '../../protocol/sigv4.ts';

/** The key and the moment of AWS's published test suite for Signature Version 4. */
const credentials: Credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const nowMs = Date.UTC(2015, 7, 30, 12, 36, 0);
const minute = 60_000;

const unsigned: UnsignedRequest = {
  method: 'POST',
  target: '/',
  body: Buffer.from('{"TableName":"music"}'),
  headers: {
    host: 'dynamodb.us-east-1.amazonaws.com',
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': 'DynamoDB_20120810.DescribeTable',
  },
};

interface Received extends SignedRequest {
  readonly headers: Record<string, string>;
}

function receivedOf(request: UnsignedRequest, added: Record<string, string | undefined> = {}): Received {
  const entries = Object.entries({ ...request.headers, ...added });
  const headers = Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return { ...request, headers, header: (name) => headers[name] };
}

function sign(request: UnsignedRequest = unsigned, by = credentials, atMs = nowMs): Record<string, string> {
  return new RequestSigner().sign(request, by, 'us-east-1', atMs);
}

function signed(changes: Record<string, string | undefined> = {}): Received {
  return receivedOf(unsigned, { ...sign(), ...changes });
}

function verify(request: SignedRequest, atMs = nowMs, known = [credentials]) {
  return new SignatureVerifier(known).verify(request, atMs);
}

/** The signed request with its Authorization header rewritten. */
function rewritten(pattern: RegExp | string, replacement: string): Received {
  return signed({ authorization: sign().authorization?.replace(pattern, replacement) });
}

describe("AWS's published vectors", () => {
  const host = 'example.amazonaws.com';
  it.each<[string, string, string, Record<string, string>, string, string]>([
    ['get-vanilla', 'GET', '/', {}, '', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      {},
      '',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    ['post-vanilla', 'POST', '/', {}, '', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'post-x-www-form-urlencoded',
      'POST',
      '/',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'Param1=value1',
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ])('%s', (_name, method, target, headers, body, signature) => {
    const request = { method, target, headers: { host, ...headers }, body: Buffer.from(body) };
    const { authorization = '' } = new RequestSigner('service').sign(
      request,
      credentials,
      'us-east-1',
      nowMs,
    );
    expect(authorization).toContain(`Signature=${signature}`);
    expect(authorization).toContain('Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ');
    const received = receivedOf(request, { 'x-amz-date': '20150830T123600Z', authorization });
    const verifier = new SignatureVerifier([credentials], 'service');
    expect(verifier.verify(received, nowMs)).toMatchObject({
      accessKeyId: 'AKIDEXAMPLE',
      region: 'us-east-1',
    });
  });
});

describe('a request signed here', () => {
  it('is verified here, with its key and region', () => {
    const added = new RequestSigner().sign(unsigned, credentials, 'ap-south-1', nowMs);
    expect(verify(receivedOf(unsigned, added))).toMatchObject({
      accessKeyId: 'AKIDEXAMPLE',
      region: 'ap-south-1',
    });
  });

  it('is verified whatever its headers and body hold', () => {
    const value = fc.string({ unit: fc.constantFrom('a', ' ', 'ä', '%', ',', '~', '"') });
    fc.assert(
      fc.property(value, fc.uint8Array(), fc.webQueryParameters(), (header, body, query) => {
        const request = {
          ...unsigned,
          target: `/?${query}`,
          body: Buffer.from(body),
          headers: { ...unsigned.headers, 'x-note': header },
        };
        expect(() => verify(receivedOf(request, sign(request)))).not.toThrow();
      }),
    );
  });

  it('is refused with any part of it changed', () => {
    const changed: Received[] = [
      { ...signed(), body: Buffer.from('{"TableName":"other"}') },
      { ...signed(), method: 'PUT' },
      { ...signed(), target: '/?x=y' },
      signed({ host: 'other.example' }),
      signed({ 'content-type': 'application/json' }),
      signed({ 'x-amz-target': 'DynamoDB_20120810.DeleteTable' }),
      signed({ 'x-amz-date': '20150830T123601Z' }),
      rewritten(/us-east-1/, 'us-east-2'),
      rewritten(/Signature=./, 'Signature=g'),
      rewritten(/Signature=(.*).$/, 'Signature=$1'),
    ];
    for (const request of changed) {
      expect(() => verify(request)).toThrow(
        expect.objectContaining({
          code: 'InvalidSignatureException',
          message: expect.stringContaining('we calculated'),
        }),
      );
    }
  });

  it('is refused under another secret', () => {
    const other = { ...credentials, secretAccessKey: 'another' };
    expect(() => verify(signed(), nowMs, [other])).toThrow(
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    );
  });

  it('is taken with commas, spaces or both between its fields', () => {
    for (const separator of [',', ' ', ' , ']) {
      expect(verify(rewritten(/, /g, separator)).accessKeyId).toBe('AKIDEXAMPLE');
    }
  });

  it('may carry a Date in the place of X-Amz-Date', () => {
    for (const date of ['20150830T123600Z', 'Sun, 30 Aug 2015 12:36:00 GMT']) {
      const request = receivedOf(unsigned, { date });
      const authorization = authorizationFor(
        request,
        'content-type;date;host;x-amz-target',
        '20150830T123600Z',
      );
      expect(verify(receivedOf(unsigned, { date, authorization })).accessKeyId).toBe('AKIDEXAMPLE');
    }
  });
});

/** The steps of AWS's page "Create a signed AWS API request", taken one by one. */
function authorizationFor(request: Received, signedHeaders: string, date: string): string {
  const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const lines = signedHeaders.split(';').map((name) => `${name}:${request.headers[name]}`);
  const canonical = [request.method, '/', '', ...lines, '', signedHeaders, sha256(request.body)].join('\n');
  const day = date.slice(0, 8);
  const scope = `${day}/us-east-1/dynamodb/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  const signature = hmac(key, text).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

describe('time', () => {
  it('may differ by fifteen minutes', () => {
    for (const offset of [-15, 15]) expect(verify(signed(), nowMs + offset * minute)).toBeDefined();
  });

  it('that is over is named', () => {
    expect(() => verify(signed(), nowMs + 15 * minute + 1_000)).toThrow(
      'Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)',
    );
  });

  it('that has not come is named', () => {
    expect(() => verify(signed(), nowMs - 15 * minute - 1_000)).toThrow(
      'Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)',
    );
  });
});

describe('what is refused before the signature is looked at', () => {
  const incomplete = 'IncompleteSignatureException';
  const invalid = 'InvalidSignatureException';
  const missing = 'MissingAuthenticationTokenException';
  it.each<[string, Received, string, string]>([
    [
      'no Authorization',
      signed({ authorization: undefined }),
      missing,
      'Request is missing Authentication Token',
    ],
    [
      'another scheme',
      signed({ authorization: 'Basic x' }),
      missing,
      'Request is missing Authentication Token',
    ],
    [
      'an empty Authorization',
      signed({ authorization: 'AWS4-', 'x-amz-date': undefined }),
      incomplete,
      "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
        "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a " +
        "'X-Amz-Date' or a 'Date' header. Authorization=AWS4-",
    ],
    [
      'a date that is none',
      signed({ 'x-amz-date': '201' }),
      incomplete,
      "Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601",
    ],
    [
      'a Host that is not signed',
      rewritten('host;', ''),
      invalid,
      "'Host' must be a 'SignedHeader' in the AWS Authorization.",
    ],
    [
      'a target that is not signed',
      rewritten(';x-amz-target', ''),
      invalid,
      "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.",
    ],
    [
      'another algorithm',
      rewritten('SHA256', 'SHA25'),
      incomplete,
      "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). ",
    ],
    [
      'a credential of four elements',
      rewritten('/us-east-1', ''),
      incomplete,
      'Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got ' +
        "'AKIDEXAMPLE/20150830/dynamodb/aws4_request'",
    ],
    [
      'a scope of other things',
      rewritten('20150830/us-east-1/dynamodb/aws4_request', '20150829/US/s3/aws3'),
      invalid,
      "Credential should be scoped to a valid region, not 'US'. " +
        "Credential should be scoped to correct service: 'dynamodb'. " +
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3'. " +
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != " +
        "'20150830', from '20150830T123600Z'.",
    ],
    [
      'an unknown key',
      rewritten('AKIDEXAMPLE', '__proto__'),
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    ],
  ])('%s', (_name, request, code, message) => {
    expect(() => verify(request)).toThrow(expect.objectContaining({ code, message, status: 400 }));
  });
});

it('slashes behind the credential are passed over, and cost nothing in great numbers', () => {
  expect(verify(rewritten('aws4_request', 'aws4_request//')).region).toBe('us-east-1');
  const hostile = rewritten('aws4_request', `${'/'.repeat(100_000)}x`);
  const started = performance.now();
  expect(() => verify(hostile)).toThrow('Credential must have exactly 5');
  expect(performance.now() - started).toBeLessThan(200);
});

describe('the list of signed headers', () => {
  const date = { 'x-amz-date': '20150830T123600Z' };
  const signedWith = (list: string): Received => {
    const authorization = authorizationFor(receivedOf(unsigned, date), list, date['x-amz-date']);
    return receivedOf(unsigned, { ...date, authorization });
  };

  it.each(['x-amz-target;host', 'host;x-amz-target;host', 'host;host;x-amz-target'])(
    'is refused out of order or with a name twice, whatever the signature: %s',
    (list) => {
      expect(verify(signedWith('host;x-amz-target')).accessKeyId).toBe('AKIDEXAMPLE');
      expect(() => verify(signedWith(list))).toThrow('we calculated');
    },
  );

  it('costs nothing where it names a long header thousands of times', () => {
    const hostile = rewritten(/SignedHeaders=[^,]*/, `SignedHeaders=host;x-amz-target${';a'.repeat(10_000)}`);
    let reads = 0;
    const header = (name: string) => {
      if (name === 'a') reads++;
      return hostile.header(name);
    };
    expect(() => verify({ ...hostile, header })).toThrow('we calculated');
    expect(reads).toBe(0);
  });
});

describe('session tokens', () => {
  const temporary = { ...credentials, sessionToken: 'token' };

  it('are sent, signed and compared', () => {
    const added = sign(unsigned, temporary);
    expect(added['x-amz-security-token']).toBe('token');
    expect(added.authorization).toContain('x-amz-security-token');
    expect(verify(receivedOf(unsigned, added), nowMs, [temporary]).accessKeyId).toBe('AKIDEXAMPLE');
  });

  it('that are wrong, missing or too many are refused', () => {
    const wrong = sign(unsigned, { ...credentials, sessionToken: 'other' });
    const refused: [Received, Credentials][] = [
      [receivedOf(unsigned, wrong), temporary],
      [signed(), temporary],
      [receivedOf(unsigned, wrong), credentials],
    ];
    for (const [request, known] of refused) {
      expect(() => verify(request, nowMs, [known])).toThrow(
        expect.objectContaining({ code: 'UnrecognizedClientException' }),
      );
    }
  });
});

it("the AWS SDK's signatures are verified", async () => {
  const client = new DynamoDBClient({ region: 'eu-north-1', credentials, endpoint: 'http://localhost:8000' });
  const seen: SignedRequest[] = [];
  client.middlewareStack.add(
    () => async (args) => {
      const { headers, method, body } = args.request as Received & { body: Uint8Array };
      seen.push({
        method,
        target: '/',
        body: Buffer.from(new Uint8Array(body)),
        header: (name) => headers[name],
      });
      throw new Error('far enough');
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  const put = new PutItemCommand({ TableName: 'music', Item: { artist: { S: 'Björk' } } });
  await expect(client.send(put)).rejects.toThrow('far enough');
  client.destroy();
  const [request] = seen;
  expect(request && verify(request, Date.now())).toMatchObject({
    accessKeyId: 'AKIDEXAMPLE',
    region: 'eu-north-1',
  });
});

it('keys for ever new regions push each other out, and come back right', () => {
  const signer = new RequestSigner();
  const first = signer.sign(unsigned, credentials, 'us-east-1', nowMs);
  for (let i = 0; i < 1_000; i++) signer.sign(unsigned, credentials, `region-${i}`, nowMs);
  expect(signer.sign(unsigned, credentials, 'us-east-1', nowMs)).toEqual(first);
});
