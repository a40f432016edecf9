import { describe, expect, test } from 'vitest';
import { readCommandLine } from '../../cli/command-line.ts';
import type { Program } from '../../cli/config/options.ts';
import { flagName, optionKeys, options, variableName } from '../../cli/config/options.ts';

const programs: readonly Program[] = [
  'start',
  'engine',
  'proxy',
  'check',
  'backups list',
  'backups create',
  'backups restore',
  'backups verify',
  'backups import',
  'restore',
  'compare-cache',
];

function read(...words: string[]) {
  const texts = { out: '', error: '' };
  const result = readCommandLine(words, '1.2.3', {
    out: (text) => {
      texts.out += text;
    },
    error: (text) => {
      texts.error += text;
    },
  });
  return { result, ...texts };
}

function unwrapped(help: string): string {
  return help.replace(/\s+/g, ' ');
}

describe('commands', () => {
  test('start is what runs without one', () => {
    expect(read().result).toEqual({ program: 'start', flags: {} });
    expect(read('--port', '0').result).toEqual({ program: 'start', flags: { port: '0' } });
    expect(read('start', '--port=0').result).toEqual({ program: 'start', flags: { port: '0' } });
  });

  test('a program of two words is one, and the word behind it is its folder', () => {
    expect(read('backups', 'create', '--table', 'a').result).toEqual({
      program: 'backups create',
      flags: { table: ['a'] },
    });
    expect(read('backups', 'verify', '/some/where').result).toEqual({
      program: 'backups verify',
      flags: { folder: '/some/where' },
    });
    const { result, out } = read('backups', '--help');
    expect(result).toBe(0);
    expect(out).toContain('slipstream backups import');
  });

  test('flags come under their keys, repeated ones as a list', () => {
    const words = [
      '--upstream',
      'http://a',
      '--cors-origin',
      'x',
      '--cors-origin',
      'y',
      '--insecure-no-auth',
      '--config',
      'f',
    ];
    expect(read('proxy', ...words).result).toEqual({
      program: 'proxy',
      flags: { upstream: 'http://a', corsOrigin: ['x', 'y'], insecureNoAuth: true, config: 'f' },
    });
  });

  test.each<[string[], string]>([
    [['strat'], "slipstream: unknown command 'strat' (did you mean start?)\n"],
    [['frobnicate'], "slipstream: unknown command 'frobnicate'\n"],
    [['--prot', '1'], "slipstream: unknown option '--prot' (did you mean --port?)\n"],
    [['proxy', '--upsteam', 'x'], "slipstream: unknown option '--upsteam' (did you mean --upstream?)\n"],
    [
      ['--secret-access-key', 'x'],
      "slipstream: unknown option '--secret-access-key' (did you mean --secret-access-key-file?)\n",
    ],
    [
      ["--secret-access-key=hunter2' \nand more'"],
      "slipstream: unknown option '--secret-access-key' (did you mean --secret-access-key-file?)\n",
    ],
    [
      ['--upstream=http://user:hunter2@host'],
      "slipstream: unknown option '--upstream' for start (it is one of proxy, compare-cache)\n",
    ],
    [
      ['engine', '--cache-size', '1GB'],
      "slipstream: unknown option '--cache-size' for engine (it is one of start, proxy)\n",
    ],
    [['--port'], "slipstream: option '--port <n>' argument missing\n"],
    [['backup'], "slipstream: unknown command 'backup'\n"],
    [['backups', 'lst'], "slipstream: unknown command 'backups lst' (did you mean backups list?)\n"],
    [
      ['backups', 'verify', 'a', 'b'],
      "slipstream: too many arguments for 'verify'. Expected 1 argument but got 2.\n",
    ],
    [['check', 'x'], "slipstream: too many arguments for 'check'. Expected 0 arguments but got 1.\n"],
  ])('%j is one clear line, and exit code 2', (words, error) => {
    expect(read(...words)).toEqual({ result: 2, out: '', error });
  });

  test('a very long word costs nothing', () => {
    expect(read('x'.repeat(1_000_000)).result).toBe(2);
  });

  test('the version', () => {
    expect(read('--version')).toEqual({ result: 0, out: '1.2.3\n', error: '' });
    expect(read('proxy', '-V')).toEqual({ result: 0, out: '1.2.3\n', error: '' });
  });
});

describe('help', () => {
  /** What only the explanation of this option has. */
  function mark(key: (typeof optionKeys)[number]): string {
    return options[key].isArgument ? ` ${options[key].description}` : `Key: ${key}.`;
  }

  test.each(programs)('of %s explains each of its options, and no others', (program) => {
    const { result, out } = read(...program.split(' '), '--help');
    expect(result).toBe(0);
    const explained = optionKeys.filter((key) => unwrapped(out).includes(mark(key)));
    expect(explained).toEqual(optionKeys.filter((key) => options[key].programs.includes(program)));
  });

  test('of the whole explains every option and names every program', () => {
    const { result, out } = read('--help');
    expect(result).toBe(0);
    for (const program of programs) expect(out).toContain(`\n  slipstream ${program}\n`);
    for (const key of optionKeys) expect(unwrapped(out)).toContain(mark(key));
    expect(read('-h').out).toBe(out);
    expect(read('help').out).toBe(out);
  });

  test('gives flag, range with unit, default, variable and key', () => {
    const words = unwrapped(read('--help').out);
    for (const key of optionKeys) {
      const { sources, type, default: defaultValue } = options[key];
      const isFlag = sources.includes('flag') && !options[key].isArgument;
      if (isFlag) expect(words).toContain(` ${flagName(key)} `);
      if (sources.includes('variable')) expect(words).toContain(`Variable: ${variableName(key)}.`);
      if (defaultValue !== undefined) expect(words).toContain(`Default: ${defaultValue}.`);
      expect(words).toContain(type.allowed.slice(1));
    }
    expect(words).toContain(
      '--port <n> TCP port to listen on; 0 takes a free one, which the ready line names. ' +
        'An integer from 0 to 65,535. Default: 8000. Variable: SLIPSTREAM_PORT. Key: port.',
    );
  });

  test('fits a terminal of 80 columns', () => {
    const long = read('--help')
      .out.split('\n')
      .filter((line) => line.length > 80);
    expect(long).toEqual([]);
  });
});
