import { afterEach, expect, test, vi } from 'vitest';
import { isPretty, openLog } from '../../cli/log.ts';

afterEach(() => vi.restoreAllMocks());

function capture(): string[] {
  const lines: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    lines.push(String(line));
    return true;
  });
  return lines;
}

test('lines for people: time, level, message, details', () => {
  const lines = capture();
  openLog('info', true).warn({ table: 'Music', ms: 5 }, 'slow');
  expect(lines).toEqual([expect.stringMatching(/^\d\d:\d\d:\d\d warn {2}slow table="Music" ms=5\n$/)]);
});

test('an error is told with its stack', () => {
  const lines = capture();
  openLog('info', true).error({ err: new TypeError('not so') }, 'failed');
  expect(lines[0]).toMatch(/^\S+ error failed\nTypeError: not so\n +at /);
});

test('what is below the level is not written', () => {
  const lines = capture();
  const log = openLog('error', true);
  log.warn({}, 'unimportant');
  expect(lines).toEqual([]);
  expect([log.isLevelEnabled('info'), log.isLevelEnabled('error')]).toEqual([false, true]);
});

test('the form follows the option, and the terminal where it is left open', () => {
  expect([isPretty('auto', true), isPretty('auto', false)]).toEqual([true, false]);
  expect([isPretty('json', true), isPretty('pretty', false)]).toEqual([false, true]);
});
