import { describe, expect, it } from 'vitest';
import { type LoadPlan, nodeGenerator, wrkGenerator } from '../../bench/generator.ts';
import { parseCoreList } from '../../bench/machine.ts';
import { parseOptions } from '../../bench/options.ts';

const plan: LoadPlan = {
  port: 8000,
  connections: 16,
  seconds: 2,
  requestFile: '/data/request',
  slots: [
    { offset: 900, holds: 'key' },
    { offset: 950, holds: 'revision' },
  ],
  keys: 1000,
  revisionStart: 5,
  answerBytes: 100,
};
const latencyUs = { p50: 1, p90: 2, p99: 3, p999: 4, max: 5 };
const wrkResult = { requests: 1000, durationUs: 2_000_000, bytes: 300_000, failures: 0, notOk: 0, latencyUs };

describe('wrk', () => {
  const wrk = wrkGenerator('wrk 4');

  it('is called with one thread, the plan and the template', () => {
    const { program, args } = wrk.command(plan);
    expect(program).toBe('wrk');
    expect(args.slice(0, 3)).toEqual(['-t1', '-c16', '-d2s']);
    expect(args.slice(args.indexOf('--'))).toEqual([
      '--',
      '/data/request',
      '1000',
      '8',
      '5',
      '12',
      'key:900',
      'revision:950',
    ]);
  });

  it('tells its result in the last line of JSON', () => {
    const output = `Running 2s test\n{"requests":0}\n${JSON.stringify(wrkResult)}\n`;
    expect(wrk.parse(output, plan)).toEqual({ requestsPerSecond: 500, answers: 1000, latencyUs });
  });

  it.each([
    ['nothing was answered', { requests: 0 }],
    ['a connection failed', { failures: 1 }],
    ['a status was not 200', { notOk: 1 }],
    ['answers are too short', { bytes: 99_000 }],
    ['answers are too long', { bytes: 2_000_000 }],
  ])('measures nothing when %s', (_, change) => {
    expect(() => wrk.parse(JSON.stringify({ ...wrkResult, ...change }), plan)).toThrow(Error);
  });

  it('measures nothing when no result came', () => {
    expect(() => wrk.parse('unable to connect', plan)).toThrow(/unable to connect/);
  });
});

describe('the generator of this repository', () => {
  it('takes the plan and gives the result as JSON', () => {
    const { program, args } = nodeGenerator.command(plan);
    expect(program).toBe(process.execPath);
    expect(JSON.parse(args[1] ?? '')).toEqual(plan);
    expect(nodeGenerator.parse(JSON.stringify({ requestsPerSecond: 1, latencyUs }), plan).latencyUs).toEqual(
      latencyUs,
    );
  });
});

describe('parseCoreList', () => {
  it.each([
    ['0-3', [0, 1, 2, 3]],
    ['2', [2]],
    ['0-1,8,10-11', [0, 1, 8, 10, 11]],
    ['', []],
  ])('reads "%s"', (list, cores) => {
    expect(parseCoreList(list)).toEqual(cores);
  });
});

describe('parseOptions', () => {
  it('has defaults, which --quick shortens and explicit numbers override', () => {
    expect(parseOptions([])).toMatchObject({
      seconds: 2,
      rounds: 3,
      connections: undefined,
      only: undefined,
    });
    expect(parseOptions(['--quick'])).toMatchObject({ seconds: 1, rounds: 1 });
    expect(parseOptions(['--quick', '--rounds', '3', '--connections', '8,32'])).toMatchObject({
      seconds: 1,
      rounds: 3,
      connections: [8, 32],
    });
  });

  it.each([
    ['--seconds', '0'],
    ['--seconds', '61'],
    ['--rounds', '1.5'],
    ['--connections', '1,x'],
    ['--connections', ''],
    ['--connections', '1,1,1,1,1,1,1,1,1'],
    ['--only', 'nothing'],
    ['--generator', 'ab'],
  ])('refuses %s %s', (flag, value) => {
    expect(() => parseOptions([flag, value])).toThrow(flag);
  });
});
