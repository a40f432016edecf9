import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { heapFlags } from '../../cli/heap.ts';

it('gives V8 no flags but those that it knows', () => {
  const set = `require('node:v8').setFlagsFromString(process.argv[1])`;
  const run = (flags: string) => spawnSync(process.execPath, ['-e', set, '--', flags], { encoding: 'utf8' });
  expect(run('--no-such-flag').stderr).toContain('unrecognized flag');
  expect(run(heapFlags)).toMatchObject({ status: 0, stderr: '' });
});
