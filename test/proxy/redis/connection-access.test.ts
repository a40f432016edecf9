import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../protocol/clock.ts';
import { parseRedisUrl } from '../../../proxy/cache/redis/address.ts';
import { openRedis } from '../../../proxy/cache/redis/connection.ts';
import { type OwnRedis, redisObstacle, startOwnRedis } from '../../services/redis.ts';
import { silentLogger } from '../../silent-logger.ts';
import { Connections, set, trackedPrefix } from './connection-fixture.ts';

const password = 'p@ss/w:rd%';
const encoded = encodeURIComponent(password);
const name = `${trackedPrefix}{a}`;

describe('the URL of a Redis', () => {
  test.each([
    ['redis://host', { host: 'host', port: 6379, database: 0, isTls: false }],
    ['rediss://host:1/2', { host: 'host', port: 1, database: 2, isTls: true }],
    ['redis://[::1]:7000/', { host: '::1', port: 7000 }],
    [`redis://user:${encoded}@host`, { username: 'user', password }],
    [`redis://:${encoded}@host`, { username: undefined, password }],
  ])('%s is understood', (url, address) => {
    expect(parseRedisUrl(url)).toMatchObject(address);
  });

  test.each([
    '',
    'host:6379',
    'http://user:secret@host',
    'redis://',
    'redis://user:secret@host:port',
    'redis://user:secret@host/name',
    'redis://user:secret@host/1/2',
    'redis://user:secret@host/99999999999',
    'redis://user:secret@host?family=6',
    'redis://user:secret%@host',
  ])('%s is refused, without repeating it', (url) => {
    const error = thrownBy(() => parseRedisUrl(url));
    expect(error).toContain('a Redis URL');
    expect(error).not.toContain('secret');
  });

  test.each([
    { urls: [] },
    { urls: ['redis://host/1', 'redis://other'] },
    { urls: ['redis://:secret@host', 'nonsense'] },
  ])('%o cannot be connected to', ({ urls }) => {
    const events = { up: () => {}, down: () => {}, touched: () => {} };
    const rest = { timeoutMs: 100, trackedPrefix, events, clock: systemClock, log: silentLogger };
    expect(thrownBy(() => openRedis({ urls, ...rest }))).not.toContain('secret');
  });
});

function thrownBy(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return String(error);
  }
  throw new Error('nothing was thrown');
}

describe.skipIf(redisObstacle() !== undefined)('a Redis with users', () => {
  let redis: OwnRedis;

  beforeAll(async () => {
    redis = await startOwnRedis(
      ...['--requirepass', password],
      ...['--user', 'carol', 'on', `>${password}`, '~*', '&*', '+@all', '-client'],
      ...['--user', 'erin', 'on', `>${password}`, '~elsewhere:*', '&*', '+@all'],
      ...['--user', 'dave', 'on', `>${password}`, '~*', '&*', '+@all'],
    );
  });

  afterAll(() => redis.stop());

  const urlFor = (user: string): string => redis.url.replace('//', `//${user}@`);

  test.each([`:${encoded}`, `dave:${encoded}`])('admits %s', async (user) => {
    const connections = new Connections([urlFor(user)]);
    await connections.untilUp();
    expect(await connections.run(set, [name], ['value'])).toEqual(Buffer.from('OK'));
    expect(connections.lines.join()).not.toContain(password);
    await connections.nodes.close();
  });

  test.each([
    [':wrong', 'WRONGPASS'],
    ['dave:wrong', 'WRONGPASS'],
    [`carol:${encoded}`, "'client|id'"],
    [`erin:${encoded}`, 'NOPERM'],
  ])('refuses %s, and the log says why without the password', async (user, reason) => {
    const connections = new Connections([urlFor(user)]);
    await connections.until(() => connections.lines.some((line) => line.includes(reason)));
    expect(connections.events).toEqual([]);
    for (const secret of ['wrong', password, encoded]) expect(connections.lines.join()).not.toContain(secret);
    await connections.nodes.close();
  });
});

const folder = mkdtempSync(join(tmpdir(), 'slipstream-certificate-'));
const certificate = makeCertificate();
if (certificate === undefined) process.stderr.write('\nSKIPPED: Redis with TLS, as there is no openssl\n\n');

describe.skipIf(redisObstacle() !== undefined || certificate === undefined)('a Redis with TLS', () => {
  let redis: OwnRedis;
  let url: string;

  beforeAll(async () => {
    const ports = ['--port', '0', '--tls-port', 'PORT', '--tls-auth-clients', 'no'];
    const files = ['--tls-cert-file', join(folder, 'cert.pem'), '--tls-key-file', join(folder, 'key.pem')];
    redis = await startOwnRedis(...ports, ...files);
    url = redis.url.replace('redis:', 'rediss:');
  });

  afterAll(async () => {
    await redis.stop();
    rmSync(folder, { recursive: true });
  });

  test('is used where its certificate holds', async () => {
    const connections = new Connections([url], { ca: certificate });
    await connections.untilUp();
    expect(await connections.run(set, [name], ['value'])).toEqual(Buffer.from('OK'));
    await connections.until(() => connections.touchedNames().includes(name));
    await connections.nodes.close();
  });

  test('is not used where nobody vouches for it', async () => {
    const connections = new Connections([url]);
    await connections.until(() => connections.lines.some((line) => line.includes('self-signed')));
    expect(connections.upNodes()).toEqual([]);
    await connections.nodes.close();
  });
});

/** For 127.0.0.1. @returns it in PEM; undefined without openssl. */
function makeCertificate(): string | undefined {
  const words = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const { status } = spawnSync('openssl', [...words, ...files, ...subject]);
  return status === 0 ? readFileSync(join(folder, 'cert.pem'), 'utf8') : undefined;
}
