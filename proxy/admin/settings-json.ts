import { isObject } from '../cache/key-reader.ts';
import {
  type CacheSettings,
  type CacheSettingsChange,
  type CacheSettingsValues,
  SettingsError,
  type TableOverrides,
  type TableOverridesChange,
} from '../cache-settings.ts';
import { AdminError } from './admin-error.ts';
import { isTableName } from './table-name.ts';

/** The settings in the form of the configuration file; sizes are bytes, times milliseconds. */
export function settingsJson({ cacheBytesMax, itemTtlMs, queryTtlMs, tables }: CacheSettingsValues): object {
  const named = Object.entries(tables).map(([name, table]) => [name, { cache: tableJson(table) }]);
  return { cacheSize: cacheBytesMax, itemTtlMs, queryTtlMs, tables: Object.fromEntries(named) };
}

function tableJson({ cache: enabled, ...times }: TableOverrides): object {
  return enabled === undefined ? times : { enabled, ...times };
}

/**
 * Makes a change that is given in the same form, as a merge patch (RFC 7396): what is not named stays, and null takes a
 * table's own setting away.
 * @throws AdminError with status 400, having changed nothing
 */
export function changeSettings(settings: CacheSettings, input: Readonly<Record<string, unknown>>): void {
  try {
    settings.change(readChange(input));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new AdminError(400, `${placeOf(error.path)}${error.problem}`);
  }
}

/** As the settings are named in a request. */
function placeOf([first = '', ...others]: readonly string[]): string {
  if (first === 'cacheBytesMax') return 'cacheSize';
  const [table, ...setting] = others;
  return table === undefined ? first : [first, table, 'cache', ...setting].join('.');
}

/** Ranges are checked where the settings are. @throws AdminError for unknown names and wrong types */
function readChange(input: Readonly<Record<string, unknown>>): CacheSettingsChange {
  checkNames('', input, ['cacheSize', 'itemTtlMs', 'queryTtlMs', 'tables']);
  return {
    cacheBytesMax: readSize(input.cacheSize),
    itemTtlMs: readNumber('itemTtlMs', input.itemTtlMs),
    queryTtlMs: readNumber('queryTtlMs', input.queryTtlMs),
    tables: readTables(input.tables),
  };
}

function readTables(tables: unknown): CacheSettingsChange['tables'] {
  if (tables === undefined) return undefined;
  const entries = Object.entries(readObject('tables', tables)).map(([name, table]) => {
    if (!isTableName(name)) throw new AdminError(400, `tables: ${JSON.stringify(name)} is no table's name`);
    return [name, table === null ? null : readTable(`tables.${name}`, table)] as const;
  });
  return Object.fromEntries(entries);
}

function readTable(place: string, table: unknown): TableOverridesChange | null {
  const { cache, ...others } = readObject(place, table);
  checkNames(`${place}.`, others, ['cache']);
  if (cache === undefined) return {};
  if (cache === null) return null;
  const own = readObject(`${place}.cache`, cache);
  checkNames(`${place}.cache.`, own, ['enabled', 'itemTtlMs', 'queryTtlMs']);
  return {
    cache: readToggle(`${place}.cache.enabled`, own.enabled),
    itemTtlMs: own.itemTtlMs === null ? null : readNumber(`${place}.cache.itemTtlMs`, own.itemTtlMs),
    queryTtlMs: own.queryTtlMs === null ? null : readNumber(`${place}.cache.queryTtlMs`, own.queryTtlMs),
  };
}

function checkNames(place: string, values: object, allowed: readonly string[]): void {
  const unknown = Object.keys(values).find((name) => !allowed.includes(name));
  if (unknown === undefined) return;
  throw new AdminError(400, `${place}${unknown}: is no setting; there are ${allowed.join(', ')}`);
}

function readObject(place: string, value: unknown): Record<string, unknown> {
  if (isObject(value)) return value;
  throw new AdminError(400, `${place}: must be an object`);
}

/** Like the option of that name (cli/config/options.ts): who sends 512 does not mean bytes. */
const cacheBytesMin = 1024 * 1024;

function readSize(size: unknown): number | undefined {
  const bytes = readNumber('cacheSize', size);
  if (bytes === undefined || bytes >= cacheBytesMin) return bytes;
  throw new AdminError(
    400,
    `cacheSize${shown(size)}: must be at least ${cacheBytesMin} bytes, which is 1 MiB`,
  );
}

function readNumber(place: string, value: unknown): number | undefined {
  if (value === undefined || typeof value === 'number') return value;
  const unit = place === 'cacheSize' ? 'bytes' : 'milliseconds';
  throw new AdminError(400, `${place}${shown(value)}: must be a number of ${unit}`);
}

function readToggle(place: string, value: unknown): boolean | null | undefined {
  if (value === undefined || value === null || typeof value === 'boolean') return value;
  throw new AdminError(400, `${place}${shown(value)}: must be true, false or null`);
}

const shownCharactersMax = 80;

/** What is nested, deeper perhaps than can be written out, or long, is left out. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return '';
  const text = JSON.stringify(value);
  return text.length > shownCharactersMax ? '' : ` = ${text}`;
}
