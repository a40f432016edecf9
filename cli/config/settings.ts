import type { z } from 'zod';
import { isLoopback } from '../../proxy/front/access.ts';
import { resolveAdminAccess } from './admin-access.ts';
import type { ConfigFile } from './config-file.ts';
import { readConfigFile } from './config-file.ts';
import type { Credential } from './credentials.ts';
import { resolveCredentials } from './credentials.ts';
import type { Path, Variables } from './interpolate.ts';
import { interpolate } from './interpolate.ts';
import { nearest, unknownKeys } from './nearest.ts';
import type { OptionKey, Program, Server, Settings, Source } from './options.ts';
import { flagName, optionKeys, options, variableName, variablePrefix } from './options.ts';
import { ConfigurationError, shown } from './problem.ts';

/** Where settings come from; earlier ones win: flags, variables, the configuration file, defaults. */
export interface Sources {
  /** By option key, as the command line gave them: texts, lists of texts, or true. `config` names the file. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly variables: Variables;
  readFile(path: string): string;
}

/** The settings of a program, with whom it lets in. */
export interface Configuration {
  readonly settings: Settings;
  readonly credentials: readonly Credential[];
  /** What the administration asks for, except of health; undefined on loopback for nothing. */
  readonly adminToken: string | undefined;
  /** What is probably not meant, yet no error. */
  readonly warnings: readonly string[];
}

/** A value that was given for an option, and where. */
interface Given {
  readonly source: Source;
  readonly value: unknown;
  /** What a problem may show: text of a file as it was written, before variables were put in. */
  readonly written: unknown;
  place(path: Path): string;
}

/** What was found so far. An option that failed stands at its default, and nothing is concluded from it. */
interface Findings {
  readonly problems: string[];
  readonly failed: Set<OptionKey>;
}

/** @throws ConfigurationError with every problem: option, value (secrets as `***`), place, and what is allowed. */
export function readConfiguration(program: Program, sources: Sources): Configuration {
  const findings: Findings = { problems: [], failed: new Set() };
  const given = gather(program, sources, findings);
  const settings = parseAll(given, findings);
  checkRequired(program, settings, findings);
  const credentials = readAccess(program, settings, sources.readFile, findings);
  const adminToken = isServer(program) ? readAdminAccess(settings, sources.readFile, findings) : undefined;
  if (findings.problems.length > 0) throw new ConfigurationError(findings.problems);
  return { settings, credentials, adminToken, warnings: unknownVariables(sources.variables) };
}

function keysOf(program: Program): OptionKey[] {
  return optionKeys.filter((key) => options[key].programs.includes(program));
}

function parseAll(given: ReadonlyMap<OptionKey, Given>, findings: Findings): Settings {
  const values = optionKeys.map((key) => {
    const source = given.get(key);
    const parsed = options[key].schema.safeParse(source?.value);
    if (parsed.success) return [key, parsed.data];
    findings.failed.add(key);
    for (const issue of parsed.error.issues) findings.problems.push(...describeIssue(key, issue, source));
    return [key, options[key].schema.parse(undefined)];
  });
  return Object.fromEntries(values) as Settings;
}

function gather(program: Program, sources: Sources, findings: Findings): Map<OptionKey, Given> {
  const file = openFile(sources, findings);
  const inFile = file === undefined ? {} : fileValues(program, file, sources.variables, findings);
  const given = new Map<OptionKey, Given>();
  for (const key of keysOf(program)) {
    const value =
      givenByCaller(key, sources) ?? (file === undefined ? undefined : givenByFile(key, file, inFile));
    if (value !== undefined) given.set(key, value);
  }
  dropFartherSecret(given, 'secretAccessKey', 'secretAccessKeyFile');
  dropFartherSecret(given, 'adminToken', 'adminTokenFile');
  return given;
}

function givenByCaller(key: OptionKey, { flags, variables }: Sources): Given | undefined {
  const flag = flags[key];
  if (flag !== undefined) {
    return { source: 'flag', value: flag, written: flag, place: () => `flag ${flagName(key)}` };
  }
  const name = variableName(key);
  const value = options[key].sources.includes('variable') ? variables[name] : undefined;
  // A variable that is set to nothing is how container files leave an option out.
  if (value === undefined || value === '') return undefined;
  return { source: 'variable', value, written: value, place: () => `variable ${name}` };
}

function givenByFile(key: OptionKey, file: ConfigFile, values: Record<string, unknown>): Given | undefined {
  const value = values[key];
  if (value === undefined || value === null) return undefined;
  return { source: 'file', value, written: file.values[key], place: (path) => file.place([key, ...path]) };
}

/** A secret and the file that holds it are one option in two forms: the form of the nearer source wins. */
function dropFartherSecret(given: Map<OptionKey, Given>, plainKey: OptionKey, fileKey: OptionKey): void {
  const nearness: Readonly<Record<Source, number>> = { flag: 0, variable: 1, file: 2 };
  const plain = given.get(plainKey);
  const inFile = given.get(fileKey);
  if (plain === undefined || inFile === undefined || plain.source === inFile.source) return;
  given.delete(nearness[plain.source] < nearness[inFile.source] ? fileKey : plainKey);
}

/** A file that cannot be read is one problem among the others; what it would have said is unknown. */
function openFile({ flags, variables, readFile }: Sources, findings: Findings): ConfigFile | undefined {
  const path = flags.config ?? variables[variableName('config')];
  if (typeof path !== 'string' || (path === '' && flags.config === undefined)) return undefined;
  try {
    if (path === '') throw new ConfigurationError(['config = "" (flag --config): must be a path']);
    return readConfigFile(path, readFile);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    findings.problems.push(...error.problems);
    for (const key of optionKeys) findings.failed.add(key);
    return undefined;
  }
}

/** This program's keys, with variables put in. What only other programs use is known, and left unread. */
function fileValues(program: Program, file: ConfigFile, variables: Variables, findings: Findings) {
  const values: Record<string, unknown> = {};
  for (const [key, written] of Object.entries(file.values)) {
    if (!isOptionKey(key)) {
      findings.problems.push(`${key} (${file.place([key])}): ${unknownKeys([key], optionKeys)}`);
    } else if (options[key].programs.includes(program)) {
      const value = interpolate(written, variables, (name, path) => {
        const at = [key, ...path];
        findings.problems.push(`${pathText(at)} (${file.place(at)}): the variable ${name} is not defined`);
        findings.failed.add(key);
      });
      if (!findings.failed.has(key)) values[key] = value;
    }
  }
  return values;
}

function isOptionKey(key: string): key is OptionKey {
  return Object.hasOwn(options, key);
}

/** Unknown keys of a section come as one issue with a line for each. */
function describeIssue(key: OptionKey, issue: z.core.$ZodIssue, given: Given | undefined): string[] {
  const lines = issue.message.split('\n');
  const ends = issue.code === 'unrecognized_keys' ? issue.keys.map((unknown) => [unknown]) : [[]];
  return ends.map((end, i) =>
    describe(key, [...(issue.path as Path), ...end], lines[i] ?? issue.message, given),
  );
}

function describe(key: OptionKey, path: Path, message: string, given: Given | undefined): string {
  const value = shown(valueAt(given?.written, path), options[key].secret);
  const place = given === undefined ? '' : ` (${given.place(path)})`;
  return `${pathText([key, ...path])}${value === '' ? '' : ` = ${value}`}${place}: ${message}`;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null ? (at as Record<string | number, unknown>)[key] : undefined,
    value,
  );
}

function pathText(path: Path): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${part}`))
    .join('');
}

export function isServer(program: Program): program is Server {
  return program === 'start' || program === 'engine' || program === 'proxy';
}

type RequiredKey = 'endpoint' | 'upstream' | 'backup' | 'as' | 'to' | 'folder';

const required: readonly (readonly [Program, RequiredKey, string])[] = [
  ['proxy', 'upstream', 'give the endpoint to accelerate with --upstream URL'],
  ['compare-cache', 'endpoint', 'give the proxy to compare with --endpoint URL'],
  ['compare-cache', 'upstream', 'give the endpoint behind the proxy with --upstream URL'],
  ['backups restore', 'backup', 'give the backup to restore with --backup ARN'],
  ['backups restore', 'as', 'give the new table a name with --as NAME'],
  ['restore', 'to', 'give the moment to go back to with --to TIME'],
  ['restore', 'as', 'give the new table a name with --as NAME'],
  ['backups verify', 'folder', 'give the folder of the backups'],
  ['backups import', 'folder', 'give the folder of the backups'],
];

/** The programs that work on one table. */
const singleTable: readonly Program[] = ['backups create', 'restore'];

function checkRequired(program: Program, settings: Settings, { problems, failed }: Findings): void {
  for (const [by, key, advice] of required) {
    if (by !== program || settings[key] !== undefined || failed.has(key)) continue;
    problems.push(`${key}: is required; ${advice}`);
  }
  const isOneTable = settings.table.length === 1 || failed.has('table');
  if (singleTable.includes(program) && !isOneTable) problems.push('table: give one with --table NAME');
}

/**
 * Who is let in, or as whom a program calls. Where one of the options concerned failed by itself, nothing is said about
 * them together.
 */
function readAccess(
  program: Program,
  settings: Settings,
  readFile: (path: string) => string,
  { problems, failed }: Findings,
): Credential[] {
  const concerned = optionKeys.filter((key) => key === 'host' || options[key].group === 'Access');
  if (concerned.some((key) => failed.has(key))) return [];
  const { credentials, problems: unresolved } = resolveCredentials(settings, readFile);
  problems.push(...unresolved);
  if (unresolved.length === 0 && isServer(program)) problems.push(...accessProblems(settings, credentials));
  return credentials;
}

/** Like `readAccess`, for the administration. */
function readAdminAccess(
  settings: Settings,
  readFile: (path: string) => string,
  { problems, failed }: Findings,
): string | undefined {
  const concerned = optionKeys.filter((key) => ['Administration', 'Listening'].includes(options[key].group));
  if (concerned.some((key) => failed.has(key))) return undefined;
  const { token, problems: unresolved } = resolveAdminAccess(settings, readFile);
  problems.push(...unresolved);
  return token;
}

function accessProblems(settings: Settings, credentials: readonly Credential[]): string[] {
  if (settings.insecureNoAuth && credentials.length > 0) {
    return ['insecureNoAuth = true: credentials are given too; leave out one of the two'];
  }
  if (isLoopback(settings.host) || credentials.length > 0 || settings.insecureNoAuth) return [];
  return [
    `host = ${JSON.stringify(settings.host)}: can be reached from outside this machine, which needs credentials ` +
      '(--access-key-id with --secret-access-key-file), or --insecure-no-auth to let everybody in',
  ];
}

/** Only near misses are worth a word: container platforms set variables of the same prefix for their own ends. */
function unknownVariables(variables: Variables): string[] {
  const known = [...optionKeys, 'config'].map(variableName);
  const end = (name: string) => name.slice(variablePrefix.length);
  return Object.keys(variables)
    .filter((name) => name.startsWith(variablePrefix) && !known.includes(name))
    .flatMap((name) => {
      const meant = nearest(end(name), known.map(end));
      return meant === undefined
        ? []
        : [`the variable ${name} is no option; did you mean ${variablePrefix}${meant}?`];
    });
}
