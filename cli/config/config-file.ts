import type { Document } from 'yaml';
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { Path } from './interpolate.ts';
import { ConfigurationError } from './problem.ts';

/** A larger file is not a configuration. */
const fileCharactersMax = 1_048_576;

/** What a configuration file holds, unchecked, and where in it. */
export interface ConfigFile {
  readonly values: Readonly<Record<string, unknown>>;
  /** `FILE:LINE` of the value at a path, or of the nearest section around it. */
  place(path: Path): string;
}

/**
 * Reads YAML, or JSON, which YAML's grammar includes.
 * @throws ConfigurationError that names file and line.
 */
export function readConfigFile(path: string, read: (path: string) => string): ConfigFile {
  const text = readText(path, read);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems = document.errors.map(
    (error) => `${path}:${lines.linePos(error.pos[0]).line}: is not YAML: ${wordsOf(error.code)}`,
  );
  if (problems.length > 0) throw new ConfigurationError(problems);
  return { values: valuesOf(document, path), place: (at) => `${path}${lineOf(document, lines, at)}` };
}

/** The parser's messages quote the file, so they may hold secrets; its codes are words: `DUPLICATE_KEY`. */
function wordsOf(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}

function readText(path: string, read: (path: string) => string): string {
  const text = attempt(
    () => read(path),
    (reason) => `the configuration file ${path} cannot be read: ${reason}`,
  );
  if (text.length <= fileCharactersMax) return text;
  throw new ConfigurationError([`${path}: longer than ${fileCharactersMax} characters`]);
}

function valuesOf(document: Document, path: string): Record<string, unknown> {
  const values: unknown = attempt(
    () => document.toJS(),
    // The parser's own words name the alias, which may be a secret that begins with an asterisk.
    () => `${path}: has aliases that cannot be resolved, or too many; a text that begins with * needs quotes`,
  );
  // An empty file, or one of comments only, is a configuration that sets nothing.
  if (values === null || values === undefined) return {};
  if (typeof values === 'object' && !Array.isArray(values)) return values as Record<string, unknown>;
  throw new ConfigurationError([`${path}: must be a mapping of option keys to values`]);
}

function attempt<T>(action: () => T, problem: (reason: string) => string): T {
  try {
    return action();
  } catch (error) {
    throw new ConfigurationError([problem(error instanceof Error ? error.message : String(error))]);
  }
}

function lineOf(document: Document, lines: LineCounter, path: Path): string {
  for (let depth = path.length; depth > 0; depth--) {
    const node = document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return `:${lines.linePos(node.range[0]).line}`;
  }
  return '';
}
