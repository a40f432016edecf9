import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Program } from '../../cli/config/options.ts';
import { ConfigurationError } from '../../cli/config/problem.ts';
import { readConfiguration } from '../../cli/config/settings.ts';

interface Given {
  readonly program?: Program;
  readonly flags?: Record<string, unknown>;
  readonly variables?: Record<string, string>;
  /** Text of the configuration file `slipstream.yaml`. */
  readonly file?: string;
  /** Other files, by path. */
  readonly files?: Record<string, string>;
}

function configure({ program = 'start', flags = {}, variables = {}, file, files = {} }: Given = {}) {
  const present: Record<string, string> = file === undefined ? files : { ...files, 'slipstream.yaml': file };
  return readConfiguration(program, {
    flags: file === undefined ? flags : { ...flags, config: 'slipstream.yaml' },
    variables,
    readFile: (path) => {
      const text = present[path];
      if (text === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
      return text;
    },
  });
}

const settings = (given?: Given) => configure(given).settings;

function problems(given: Given): readonly string[] {
  try {
    configure(given);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('precedence', () => {
  test('defaults hold where nothing is given', () => {
    expect(settings()).toMatchObject({
      host: '127.0.0.1',
      port: 8000,
      data: './data',
      cacheSize: 256 * 2 ** 20,
      itemTtlMs: 300_000,
      queryTtlMs: 300_000,
      redis: [],
      redisTimeoutMs: 100,
      staleIfRedisDownMs: 0,
      followStreams: false,
      admin: undefined,
      durability: 'sync',
      insecureNoAuth: false,
      tables: {},
    });
  });

  test('flags win over variables, variables over the file, the file over defaults', () => {
    const file = 'port: 1\nhost: localhost\nlogLevel: warn';
    const variables = { SLIPSTREAM_PORT: '2', SLIPSTREAM_HOST: '127.0.0.2' };
    expect(settings({ file, variables, flags: { port: '3' } })).toMatchObject({
      port: 3,
      host: '127.0.0.2',
      logLevel: 'warn',
      logFormat: 'auto',
    });
  });

  test('a variable set to nothing, and a key without a value, are not given', () => {
    expect(settings({ file: 'port:\nhost: ~', variables: { SLIPSTREAM_PORT: '' } })).toMatchObject({
      port: 8000,
      host: '127.0.0.1',
    });
  });

  test('the file can be named by a variable', () => {
    const files = { 'other.json': '{\n\t"port": 9\n}' };
    expect(settings({ files, variables: { SLIPSTREAM_CONFIG: 'other.json' } }).port).toBe(9);
  });

  test('of a secret and its file, the nearer source wins', () => {
    const given = {
      file: 'accessKeyId: A\nsecretAccessKey: from-file',
      files: { '/run/secret': 'from-flag\n' },
      flags: { secretAccessKeyFile: '/run/secret' },
    };
    expect(configure(given).credentials).toEqual([{ accessKeyId: 'A', secretAccessKey: 'from-flag' }]);
  });
});

describe('values', () => {
  test.each([
    ['1048576', 2 ** 20],
    ['1MB', 2 ** 20],
    ['1MiB', 2 ** 20],
    ['1.5gb', 1.5 * 2 ** 30],
    ['2 GB', 2 * 2 ** 30],
    ['2048K', 2 * 2 ** 20],
  ])('size %s', (cacheSize, bytes) => {
    expect(settings({ flags: { cacheSize } }).cacheSize).toBe(bytes);
    expect(settings({ file: `cacheSize: ${cacheSize}` }).cacheSize).toBe(bytes);
  });

  test.each([
    ['0', 0],
    ['250', 250],
    ['250ms', 250],
    ['5s', 5_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
  ])('time %s', (itemTtlMs, ms) => {
    expect(settings({ flags: { itemTtlMs } }).itemTtlMs).toBe(ms);
    expect(settings({ file: `itemTtlMs: ${itemTtlMs}` }).itemTtlMs).toBe(ms);
  });

  test('lists: repeated, separated by commas, or a list in the file', () => {
    const both = ['https://a.example', 'https://b.example'];
    expect(settings({ flags: { corsOrigin: both } }).corsOrigin).toEqual(both);
    expect(settings({ variables: { SLIPSTREAM_CORS_ORIGIN: both.join(', ') } }).corsOrigin).toEqual(both);
    expect(settings({ file: `corsOrigin: [${both.join(', ')}]` }).corsOrigin).toEqual(both);
  });

  test('of what is written without a value, nothing is set', () => {
    const file = 'tables:\n  Music:\n  Orders:\n    cache:\n  Plays:\n    cache: { enabled: ~, itemTtlMs: }';
    expect(settings({ file }).tables).toEqual({ Music: undefined, Orders: {}, Plays: { cache: {} } });
    const credentials = 'credentials:\n  - accessKeyId: A\n    secretAccessKey: x\n    secretAccessKeyFile:';
    expect(configure({ file: credentials }).credentials).toEqual([
      { accessKeyId: 'A', secretAccessKey: 'x' },
    ]);
  });

  test('tables', () => {
    const file =
      'tables:\n  Music:\n    cache: { enabled: false }\n  Orders:\n    cache: { itemTtlMs: 5s, queryTtlMs: 0 }';
    expect(settings({ file }).tables).toEqual({
      Music: { cache: { enabled: false } },
      Orders: { cache: { itemTtlMs: 5_000, queryTtlMs: 0 } },
    });
  });

  test.each<[string, string[]]>([
    ['port', ['-1', '65536', '80.5', '1e3', 'http', '']],
    ['cacheSize', ['1', '0', '2TB', '1XB', '-1MB', '', '9'.repeat(400)]],
    ['itemTtlMs', ['-1', '366d', '5 weeks', 'never', '']],
    ['durability', ['SYNC', 'none', '']],
    ['host', ['300.1.1.1', '1.2.3', 'a b', 'http://x', '']],
    ['corsOrigin', ['app.example', 'https://app.example/path', '']],
    ['admin', ['', 'host', ':1', '-1', '65536', 'a b:1', '::1:9', '300.1.1.1:9', 'http://x:9']],
    ['allowedHost', ['a.example:8000', 'a/b', '']],
    ['data', ['', 'a\0b']],
    ['accessKeyId', ['A/B', 'A,B', 'A B', '']],
  ])('%s refuses what is out of range or not one', (key, values) => {
    for (const value of values) {
      const [problem, ...more] = problems({ flags: { [key]: value } });
      expect(problem).toMatch(new RegExp(`^${key} = .* \\(flag --[a-z-]+\\): must be `));
      expect(more).toEqual([]);
    }
  });

  test.each([
    'http://user:secret@a',
    'http://user:secr/secret@a',
    'http://user:a secret@a',
    'http://user:"secret@a',
    'http://user:p@secret@a',
    'http:/user:secret@a',
    'user:secret@a:8000',
  ])('the password of upstream %s is not shown', (upstream) => {
    const [problem, ...more] = problems({ program: 'proxy', flags: { upstream } });
    expect(problem).toMatch(/^upstream = "(http:\/\/)?\*\*\*@a(:8000)?" \(flag --upstream\): must be /);
    expect(more).toEqual([]);
  });

  test.each(['ftp://a', 'a:8000', 'http://user:secret@a', 'http://a/path', 'http://a?b', ''])(
    'upstream %s',
    (upstream) => {
      const found = problems({ program: 'proxy', flags: { upstream } }).join();
      expect(found).toContain('upstream = ');
      expect(found).not.toContain('secret');
    },
  );
});

describe('problems', () => {
  test('are told all at once, each with value, place and range', () => {
    const file =
      'cacheSize: 12XB\n\ntables:\n  Music:\n    cache:\n      itemTtlMs: -1\n      enabeld: true\ncacheSiez: 1MB\n';
    const variables = { SLIPSTREAM_LOG_LEVEL: 'loud' };
    expect(problems({ file, variables, flags: { port: '70000', host: '0.0.0.0' } })).toEqual([
      'cacheSiez (slipstream.yaml:8): unknown key (did you mean cacheSize?)',
      'port = "70000" (flag --port): must be an integer from 0 to 65,535',
      'cacheSize = "12XB" (slipstream.yaml:1): must be a size from 1MB to 1TB: bytes, or with KB, MB or GB',
      'tables.Music.cache.itemTtlMs = -1 (slipstream.yaml:6): ' +
        'must be a time from 0 to 365d: milliseconds, or with ms, s, m, h or d',
      'tables.Music.cache.enabeld = true (slipstream.yaml:7): unknown key (did you mean enabled?)',
      'logLevel = "loud" (variable SLIPSTREAM_LOG_LEVEL): must be one of debug, info, warn, error, silent',
      expect.stringContaining('host = "0.0.0.0": can be reached from outside this machine'),
    ]);
  });

  test('never show a secret', () => {
    const secret = 'Tr0ub4dor';
    const files = [
      `secretAccessKey: "${secret} with spaces"`,
      `accessKeyId: A\nsecretAccessKey: ["${secret}"]`,
      `credentials: ${secret}`,
      `credentials:\n  - { accessKeyId: A, secretAccessKey: "${secret} ", other: ${secret} }`,
      `credentials:\n  - { secretAccessKey: ${secret} }`,
      `credentials: { accessKeyId: A, secretAccessKey: ${secret} }`,
      `secretAccessKey: *${secret}`,
      `secretAccessKey: |${secret}`,
      `secretAccessKey: !${secret} !${secret} x`,
      `secretAccessKey: "\\xZ${secret}"`,
      `secretAccessKey: "x" ${secret}`,
      `secretAccessKey: x\n  ]${secret}`,
    ];
    for (const file of files) {
      const found = problems({ file });
      expect(found).not.toEqual([]);
      expect(found.join()).not.toContain(secret);
    }
    const found = problems({ variables: { SLIPSTREAM_SECRET_ACCESS_KEY: `${secret} with spaces` } });
    expect(found).toEqual([
      'secretAccessKey = *** (variable SLIPSTREAM_SECRET_ACCESS_KEY): must be a text of printable characters',
    ]);
  });

  test('a value that a variable filled in is shown as it was written', () => {
    const variables = { WHERE: 'not an origin' };
    // biome's rule against forgotten template strings does not know that files have them too.
    const file = `corsOrigin: "\${WHERE}"`;
    expect(problems({ file, variables })[0]).toContain(`corsOrigin = "\${WHERE}" (slipstream.yaml:1)`);
  });

  test('a file that cannot be read, or parsed, is named with its line', () => {
    expect(problems({ flags: { config: 'gone.yaml', port: 'x' } })).toEqual([
      expect.stringContaining('the configuration file gone.yaml cannot be read: ENOENT'),
      'port = "x" (flag --port): must be an integer from 0 to 65,535',
    ]);
    expect(problems({ file: 'port: 1\nport: 2' })[0]).toBe('slipstream.yaml:2: is not YAML: duplicate key');
    expect(problems({ file: '{"port": 1,' })[0]).toMatch(/^slipstream\.yaml:1: /);
    expect(problems({ file: '- port' })).toEqual([
      'slipstream.yaml: must be a mapping of option keys to values',
    ]);
  });

  test('a file that is named by nothing is told, but a variable that holds nothing is not', () => {
    expect(problems({ flags: { config: '' } })).toEqual(['config = "" (flag --config): must be a path']);
    expect(problems({ flags: { config: '' }, variables: { SLIPSTREAM_CONFIG: 'x' } })).toHaveLength(1);
    expect(problems({ variables: { SLIPSTREAM_CONFIG: '' } })).toEqual([]);
  });

  test('an empty file sets nothing', () => {
    expect(settings({ file: '# nothing yet\n' }).port).toBe(8000);
  });

  test('aliases that multiply are refused', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`);
    expect(problems({ file: ['l0: &l0 [x]', ...levels].join('\n') })[0]).toContain('alias');
  });

  test('a table that cannot be set is told', () => {
    const file = 'tables:\n  Music:\n  __proto__:\n    cache: { enabled: false }';
    expect(problems({ file })).toEqual([
      'tables.__proto__ = {"cache":{"enabled":false}} (slipstream.yaml:4): cannot be set here, only while the server runs (--admin)',
    ]);
  });

  test('keys that objects inherit are unknown keys', () => {
    expect(problems({ file: 'constructor: 1\n__proto__: 2' })).toEqual([
      'constructor (slipstream.yaml:1): unknown key',
      '__proto__ (slipstream.yaml:2): unknown key',
    ]);
  });

  test('a value that is no text is none, whatever it holds', () => {
    const nested = '{ toString: {} }';
    const file = `cacheSize: ${nested}\nitemTtlMs: ${nested}\nadmin: ${nested}\ninsecureNoAuth: constructor`;
    expect(problems({ file }).map((problem) => problem.split(' ')[0])).toEqual([
      'insecureNoAuth',
      'cacheSize',
      'itemTtlMs',
      'admin',
    ]);
  });

  test('no text of a file makes anything but settings or problems', () => {
    const key = fc.constantFrom(
      'port',
      'tables',
      'credentials',
      'corsOrigin',
      'cacheSize',
      'secretAccessKey',
      'x',
    );
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue()), (values) => {
        for (const problem of problems({ file: JSON.stringify(values) }))
          expect(problem).toMatch(/^\S+.*: \S/);
      }),
    );
  });
});

describe('the file', () => {
  test('may hold keys of other programs, which are left unread', () => {
    const file = `upstream: \${UPSTREAM}\ncacheSize: nonsense\nport: 8001`;
    expect(settings({ program: 'engine', file }).port).toBe(8001);
  });

  test('takes variables in texts, at any depth; $${ is ${', () => {
    const file = `data: \${BASE}/x/$\${BASE}\ncredentials:\n  - accessKeyId: \${ID}\n    secretAccessKey: \${SECRET}`;
    const variables = { BASE: '/srv', ID: 'AKID', SECRET: `a\${ID}b` };
    const { settings: read, credentials } = configure({ file, variables });
    expect(read.data).toBe(`/srv/x/\${BASE}`);
    expect(credentials).toEqual([{ accessKeyId: 'AKID', secretAccessKey: `a\${ID}b` }]);
  });

  test('names the variables that are not defined', () => {
    const file = `host: "\${HOST}"\ndata: \${BASE}/\${STAGE}`;
    expect(problems({ file })).toEqual([
      'host (slipstream.yaml:1): the variable HOST is not defined',
      'data (slipstream.yaml:2): the variable BASE is not defined',
      'data (slipstream.yaml:2): the variable STAGE is not defined',
    ]);
  });
});

describe('access', () => {
  const files = { '/run/secret': 's3cr3t\n', '/run/empty': '\n' };

  test('credentials come as a pair, and as a list', () => {
    const file = 'credentials:\n  - { accessKeyId: B, secretAccessKeyFile: /run/secret }';
    const variables = { SLIPSTREAM_ACCESS_KEY_ID: 'A', SLIPSTREAM_SECRET_ACCESS_KEY: 'x' };
    expect(configure({ file, files, variables, flags: { host: '0.0.0.0' } }).credentials).toEqual([
      { accessKeyId: 'A', secretAccessKey: 'x' },
      { accessKeyId: 'B', secretAccessKey: 's3cr3t' },
    ]);
  });

  test.each<[string, string]>([
    ['accessKeyId: A', 'secretAccessKey: is missing for the access key A'],
    ['secretAccessKey: x', 'accessKeyId: is missing'],
    ['accessKeyId: A\nsecretAccessKey: x\nsecretAccessKeyFile: /run/secret', 'secretAccessKey = ***: '],
    ['accessKeyId: A\nsecretAccessKeyFile: /run/gone', 'secretAccessKeyFile = "/run/gone": ENOENT'],
    [
      'accessKeyId: A\nsecretAccessKeyFile: /run/empty',
      'secretAccessKeyFile = "/run/empty": the file is empty',
    ],
    [
      'accessKeyId: A\nsecretAccessKey: x\ncredentials: [{accessKeyId: A, secretAccessKey: y}]',
      'credentials[0].accessKeyId = "A": is given twice',
    ],
    [
      'accessKeyId: A\nsecretAccessKey: x\ninsecureNoAuth: true',
      'insecureNoAuth = true: credentials are given too',
    ],
  ])('%j is not enough', (file, problem) => {
    expect(problems({ file, files })).toEqual([expect.stringContaining(problem)]);
  });

  test.each(['0.0.0.0', '::', '192.168.1.5', 'example.org', '128.0.0.1'])(
    '%s needs credentials or consent',
    (host) => {
      expect(problems({ flags: { host } })).toEqual([expect.stringContaining('--insecure-no-auth')]);
      expect(settings({ flags: { host, insecureNoAuth: true } }).host).toBe(host);
    },
  );

  test.each(['127.0.0.1', '127.8.8.8', 'localhost', 'LOCALHOST', '::1', '[::1]'])('%s does not', (host) => {
    expect(problems({ flags: { host } })).toEqual([]);
  });
});

describe('Redis', () => {
  const upstream = 'http://localhost:8001';

  test('is one address, or several, as they were written', () => {
    const redis = ['redis://a', 'rediss://user:p%40ss@b:6380/2', 'redis://[::1]:7000'];
    expect(settings({ program: 'proxy', flags: { upstream, redis } }).redis).toEqual(redis);
    const variables = { SLIPSTREAM_REDIS: redis.join(', ') };
    expect(settings({ program: 'proxy', flags: { upstream }, variables }).redis).toEqual(redis);
  });

  test.each([
    'http://user:secret@a',
    'redis://',
    'redis://:secret',
    'redis://user:secret@a/path',
    'redis://a?password=secret',
    'redis://user:secret@a:99999',
    'redis://user:secret%zz@a',
  ])('%s is none, and its password is not shown', (redis) => {
    const [problem, ...more] = problems({ program: 'proxy', flags: { upstream, redis: [redis] } });
    expect(problem).toMatch(/^redis = \*\*\* \(flag --redis\): must be redis:\/\/ or rediss:\/\/ addresses/);
    expect(more).toEqual([]);
  });
});

describe('the administration', () => {
  const files = { '/run/token': 'tok3n\n', '/run/empty': '\n', '/run/lines': 'a\nb' };

  test.each([
    ['9100', { host: '127.0.0.1', port: 9100 }],
    ['0', { host: '127.0.0.1', port: 0 }],
    ['LOCALHOST:9100', { host: 'localhost', port: 9100 }],
    ['[::1]:9100', { host: '::1', port: 9100 }],
  ])('listens on %s', (admin, address) => {
    expect(settings({ flags: { admin } }).admin).toEqual(address);
    expect(settings({ file: `admin: "${admin}"` }).admin).toEqual(address);
  });

  test('takes a port as a number of the file', () => {
    expect(settings({ file: 'admin: 9100' }).admin).toEqual({ host: '127.0.0.1', port: 9100 });
  });

  test.each(['0.0.0.0:9100', '[::]:9100', 'admin.example:9100'])('needs a token on %s', (admin) => {
    expect(problems({ flags: { admin } })).toEqual([
      expect.stringMatching(/^admin = ".*": can be reached from outside .* \(--admin-token-file, /),
    ]);
    expect(configure({ flags: { admin, adminTokenFile: '/run/token' }, files }).adminToken).toBe('tok3n');
    const variables = { SLIPSTREAM_ADMIN_TOKEN: 'other' };
    expect(configure({ flags: { admin }, variables }).adminToken).toBe('other');
  });

  test.each([
    [{ port: '9100', admin: '9100' }],
    [{ host: '::1', port: '9100', admin: '[::1]:9100' }],
    [{ host: '0.0.0.0', port: '9100', admin: '9100', insecureNoAuth: true }],
  ])('cannot have the address of the API: %j', (flags) => {
    expect(problems({ flags })).toEqual([
      'admin = 9100: is the port of the API, too; choose another with --admin or --port',
    ]);
    expect(problems({ flags: { ...flags, port: '9101' } })).toEqual([]);
  });

  test('is not compared with a port of the API that is none', () => {
    expect(problems({ flags: { port: 'x', admin: '8000' } })).toEqual([expect.stringMatching(/^port = "x"/)]);
  });

  test('may leave both ports to the system', () => {
    expect(problems({ flags: { port: '0', admin: '0' } })).toEqual([]);
  });

  test('may have a token on this machine, and has none unless told', () => {
    expect(configure({ flags: { admin: '9100' } }).adminToken).toBeUndefined();
    expect(configure({ file: 'admin: 9100\nadminToken: tok3n' }).adminToken).toBe('tok3n');
  });

  test('of a token and its file, the nearer source wins', () => {
    const flags = { admin: '9100', adminTokenFile: '/run/token' };
    expect(configure({ flags, files, file: 'adminToken: other' }).adminToken).toBe('tok3n');
  });

  test.each<[string, string]>([
    ['adminToken: x\nadminTokenFile: /run/token', 'adminToken = ***: adminTokenFile is given too'],
    ['adminTokenFile: /run/gone', 'adminTokenFile = "/run/gone": ENOENT'],
    ['adminTokenFile: /run/empty', 'adminTokenFile = "/run/empty": the file is empty'],
    ['adminTokenFile: /run/lines', 'adminTokenFile = "/run/lines": holds more than printable characters'],
    [
      'adminToken: "with spaces"',
      'adminToken = *** (slipstream.yaml:1): must be a text of printable characters',
    ],
  ])('%j is refused', (file, problem) => {
    expect(problems({ file, files })).toEqual([expect.stringContaining(problem)]);
  });
});

test('the proxy needs an upstream', () => {
  expect(problems({ program: 'proxy' })).toEqual([expect.stringContaining('--upstream URL')]);
  const flags = { upstream: 'http://localhost:8001/' };
  expect(settings({ program: 'proxy', flags }).upstream).toBe('http://localhost:8001');
});

test('variables that nearly are options are warned of, others are not ours', () => {
  const variables = { SLIPSTREAM_CACHE_SIZ: '1MB', SLIPSTREAM_SERVICE_HOST: '10.0.0.1', PATH: '/bin' };
  expect(configure({ variables }).warnings).toEqual([
    'the variable SLIPSTREAM_CACHE_SIZ is no option; did you mean SLIPSTREAM_CACHE_SIZE?',
  ]);
});
