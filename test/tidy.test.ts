import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** The house: each folder, and the folders that it may import besides itself. */
const house: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  engine: ['protocol'],
  proxy: ['protocol'],
  streams: ['protocol'],
  cli: ['protocol', 'engine', 'proxy', 'streams'],
  bench: ['protocol'],
};

const sourceLinesMax = 1_000;

const root = fileURLToPath(new URL('..', import.meta.url));
const files = writtenFiles();
const sources = files.filter((file) => file.endsWith('.ts') && folderOf(file) in house);
const imports = new Map(sources.map((file) => [file, importsOf(file)]));

describe('imports', () => {
  test('run one way between the folders', () => {
    const wrong = edges().filter(([from, to]) => {
      const [source, target] = [folderOf(from), folderOf(to)];
      return source !== target && !house[source]?.includes(target);
    });
    expect(wrong).toEqual([]);
  });

  test('never go in a circle', () => {
    expect(findCircle()).toBeUndefined();
  });

  test('name files that are there, with their extension', () => {
    expect(edges().filter(([, to]) => !existsSync(join(root, to)))).toEqual([]);
  });

  test('name packages that the package depends on', () => {
    const { dependencies, peerDependencies, devDependencies } = readJson('package.json');
    const shipped = Object.keys({ ...dependencies, ...peerDependencies });
    const wrong = sources.flatMap((file) => {
      const allowed = folderOf(file) === 'bench' ? [...shipped, ...Object.keys(devDependencies)] : shipped;
      return (imports.get(file)?.packages ?? [])
        .filter((name) => !allowed.includes(name))
        .map((name) => [file, name]);
    });
    expect(wrong).toEqual([]);
  });

  test('only the HTTP upstream calls other servers', () => {
    const clients = ['undici', 'node:http', 'node:https', 'node:http2'];
    const callers = sources.filter((file) => imports.get(file)?.all.some((name) => clients.includes(name)));
    const allowed = callers.filter((file) => file.startsWith('proxy/upstream') || folderOf(file) === 'bench');
    expect(callers).toEqual(allowed);
  });
});

describe('files', () => {
  test('have a subject: none is a drawer for everything', () => {
    const drawers = /^(utils?|helpers?|misc|common)\.ts$/;
    expect(files.filter((file) => drawers.test(basename(file)))).toEqual([]);
  });

  test('have names in kebab-case', () => {
    expect(sources.filter((file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/.test(basename(file)))).toEqual(
      [],
    );
  });

  test(`have at most ${sourceLinesMax} lines`, () => {
    expect(sources.filter((file) => read(file).split('\n').length > sourceLinesMax + 1)).toEqual([]);
  });

  test('say something themselves, but for the index of a folder', () => {
    const declaration =
      /^(export )?(declare |abstract |async )*(function|class|const|let|interface|type|enum) /m;
    const barrels = sources.filter(
      (file) => basename(file) !== 'index.ts' && /^export .* from /m.test(read(file)),
    );
    expect(barrels.filter((file) => !declaration.test(read(file)))).toEqual([]);
  });

  test('silence no check', () => {
    const silenced = /biome-ignore|@ts-(ignore|expect-error|nocheck)|eslint-disable/;
    const checked = files.filter((file) => /\.(ts|js)$/.test(file) && file !== 'test/tidy.test.ts');
    expect(checked.filter((file) => silenced.test(read(file)))).toEqual([]);
  });
});

describe('the package', () => {
  test('has a lock file without download addresses', () => {
    expect(read('package-lock.json')).not.toContain('"resolved": "http');
  });

  test('has a lock file that names the optional packages of every platform, which npm ci insists on', () => {
    const locked: Record<string, { optionalDependencies?: object }> = readJson('package-lock.json').packages;
    const missing = Object.entries(locked).flatMap(([from, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in locked) && !(`${from}/node_modules/${name}` in locked),
      ),
    );
    expect(missing).toEqual([]);
  });

  test('says in its README how to start and how to test', () => {
    const lines = read('README.md').split('\n');
    expect(lines).toContain('npm ci && npm start');
    expect(lines).toContain('npm ci && npm test');
  });

  test('has documents that name files which are there', () => {
    const missing = ['README.md', 'ARCHITECTURE.md'].flatMap((document) =>
      [...read(document).matchAll(/`((?:\w+\/)+[\w-]+\.[a-z]+)`|\]\(([\w./-]+)\)/g)]
        .map(([, quoted, linked]) => quoted ?? linked ?? '')
        .filter(
          (path) => !path.startsWith('data/') && !path.startsWith('dist/') && !existsSync(join(root, path)),
        ),
    );
    expect(missing).toEqual([]);
  });

  test('exports what the build makes', () => {
    const entries = Object.values<string | { types: string; default: string }>(
      readJson('package.json').exports,
    );
    const missing = entries
      .flatMap((entry) => (typeof entry === 'string' ? [entry] : [entry.types, entry.default]))
      .filter((path) => !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });
});

interface Imports {
  /** Every specifier, as it is written. */
  readonly all: readonly string[];
  /** Files of this repository, by their path from the root. */
  readonly files: readonly string[];
  /** Packages of the registry. */
  readonly packages: readonly string[];
}

/** Static, dynamic and type-only ones alike: a type that goes the wrong way is a dependency the wrong way. */
function importsOf(file: string): Imports {
  const specifier = /(?:^import\s+|^(?:import|export)\s[^;'"=]*?\sfrom\s+|\bimport\()['"]([^'"]+)['"]/gm;
  const all = [...read(file).matchAll(specifier)].map(([, name]) => name ?? '');
  const isRelative = (name: string) => name.startsWith('.');
  const named = all.filter((name) => !isRelative(name) && !name.startsWith('node:'));
  return {
    all,
    files: all.filter(isRelative).map((name) => posix.join(dirname(file), name)),
    packages: named.map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')),
  };
}

function edges(): [from: string, to: string][] {
  return [...imports].flatMap(([from, { files: targets }]) =>
    targets.map((to): [string, string] => [from, to]),
  );
}

/** The files of the first circle that is found, in order, or undefined. */
function findCircle(): string[] | undefined {
  const finished = new Set<string>();
  const visit = (file: string, trail: string[]): string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (finished.has(file)) return undefined;
    for (const next of imports.get(file)?.files ?? []) {
      const circle = visit(next, [...trail, file]);
      if (circle !== undefined) return circle;
    }
    finished.add(file);
    return undefined;
  };
  for (const file of sources) {
    const circle = visit(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

/** The files that are written here, by their path from the root. */
function writtenFiles(): string[] {
  const folders = [...Object.keys(house), 'scripts', 'test'].filter((folder) =>
    existsSync(join(root, folder)),
  );
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll(sep, '/')),
  );
}

function folderOf(file: string): string {
  return file.split('/', 1)[0] ?? '';
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function readJson(file: string) {
  return JSON.parse(read(file));
}
