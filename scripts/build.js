// Builds `dist/`: into a folder beside it first, so that a program that starts meanwhile finds the old build or the new.
//
//     node scripts/build.js                  type check and build; a type error fails
//     node scripts/build.js --if-possible    the same, but silently nothing where TypeScript is not installed
//     node scripts/build.js --unchecked      without the type check, for tests
import { spawnSync } from 'node:child_process';
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');

const compiler = findCompiler();
if (compiler !== undefined) build(compiler);
else if (!process.argv.includes('--if-possible')) fail('TypeScript is not installed; run: npm ci');

function findCompiler() {
  try {
    return join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin', 'tsc');
  } catch {
    return undefined;
  }
}

function build(compiler) {
  const fresh = `${dist}.${process.pid}`;
  const options = ['-p', 'tsconfig.build.json', '--outDir', fresh, '--noEmitOnError'];
  if (process.argv.includes('--unchecked')) options.push('--noCheck');
  const { status } = spawnSync(process.execPath, [compiler, ...options], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    fail('the build failed');
  }
  chmodSync(join(fresh, 'cli', 'main.js'), 0o755);
  replace(fresh);
}

/** Two builds at once both end with a whole `dist/`: the one that comes second to the rename gives way. */
function replace(fresh) {
  const old = `${fresh}.old`;
  try {
    renameSync(dist, old);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  try {
    renameSync(fresh, dist);
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    rmSync(fresh, { recursive: true, force: true });
  }
  rmSync(old, { recursive: true, force: true });
}

function fail(reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
