import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What `dist/` is made of. */
const sources = [
  'protocol',
  'engine',
  'proxy',
  'streams',
  'cli',
  'bench',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** Before the first test: tests that start the real program find a build of the present sources. */
export function setup(): void {
  if (
    newest(join(root, 'dist', 'cli', 'main.js')) >
    Math.max(...sources.map((source) => newest(join(root, source))))
  ) {
    return;
  }
  // Whether the types fit is for `npm run typecheck` to say.
  const { status } = spawnSync(process.execPath, ['scripts/build.js', '--unchecked'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the program cannot be built');
}

/** When a file, or anything in a folder, was last changed; folders change with the names in them. */
function newest(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}
