/** What holds for one table. All times are in milliseconds. */
export interface TableCacheSettings {
  /** False: nothing of the table is cached. */
  readonly cache: boolean;
  /** How long an item may be served after it was read or written; 0 for no limit. */
  readonly itemTtlMs: number;
  /** How long a page of Query or Scan may be served after it was read; 0: none is kept. */
  readonly queryTtlMs: number;
}

/** What tables have in the place of the defaults. */
export type TableOverrides = Partial<TableCacheSettings>;

export interface CacheSettingsValues {
  /** What the cache may hold, in bytes, everything counted; at least 1. */
  readonly cacheBytesMax: number;
  readonly itemTtlMs: number;
  readonly queryTtlMs: number;
  readonly tables: Readonly<Record<string, TableOverrides>>;
}

/** What is left out stays; null takes an override away. */
export interface CacheSettingsChange {
  readonly cacheBytesMax?: number | undefined;
  readonly itemTtlMs?: number | undefined;
  readonly queryTtlMs?: number | undefined;
  readonly tables?: Readonly<Record<string, TableOverridesChange | null>> | undefined;
}

export type TableOverridesChange = {
  readonly [K in keyof TableCacheSettings]?: TableCacheSettings[K] | null | undefined;
};

/** Told after a change, in its turn. */
export interface CacheSettingsListener {
  /** @param names the tables for which something else holds now; `all` where any table may be meant. */
  tables?(names: readonly string[] | 'all'): void;
  cacheBytesMax?(bytes: number): void;
}

/** A value is out of its range; nothing was changed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  /** Where the value stands: `tables`, a table's name, `itemTtlMs`. */
  readonly path: readonly string[];
  /** What is wrong with the value, and the range. */
  readonly problem: string;

  constructor(path: readonly string[], problem: string) {
    super(`${path.join('.')}${problem}`);
    this.path = path;
    this.problem = problem;
  }
}

const ttlMsMax = 365 * 24 * 60 * 60 * 1_000;
const cacheBytesMin = 1;
const cacheBytesMaxMax = 2 ** 40;
/** Tables with settings of their own. */
const tablesMax = 10_000;

/** The settings of the cache that can be changed while it works. To ask for a table's costs one look into a map. */
export class CacheSettings {
  readonly #listeners: CacheSettingsListener[] = [];
  readonly #overrides: Map<string, TableOverrides>;
  #cacheBytesMax: number;
  #defaults: TableCacheSettings;
  #effective: ReadonlyMap<string, TableCacheSettings>;

  /** @throws SettingsError for a value out of its range */
  constructor({ cacheBytesMax, itemTtlMs, queryTtlMs, tables }: CacheSettingsValues) {
    checkChange({ cacheBytesMax, itemTtlMs, queryTtlMs, tables });
    this.#cacheBytesMax = cacheBytesMax;
    this.#defaults = { cache: true, itemTtlMs, queryTtlMs };
    this.#overrides = new Map(Object.entries(tables));
    this.#effective = this.#merged();
  }

  /** What holds for the table of this plain name. */
  of(tableName: string): TableCacheSettings {
    return this.#effective.get(tableName) ?? this.#defaults;
  }

  get cacheBytesMax(): number {
    return this.#cacheBytesMax;
  }

  values(): CacheSettingsValues {
    const { itemTtlMs, queryTtlMs } = this.#defaults;
    const tables = Object.fromEntries(this.#overrides);
    return { cacheBytesMax: this.#cacheBytesMax, itemTtlMs, queryTtlMs, tables };
  }

  onChange(listener: CacheSettingsListener): void {
    this.#listeners.push(listener);
  }

  /** Changes all of it, or nothing. @throws SettingsError for a value out of its range */
  change(change: CacheSettingsChange): void {
    checkChange(change);
    const overrides = new Map(this.#overrides);
    for (const [name, table] of Object.entries(change.tables ?? {})) override(overrides, name, table);
    if (overrides.size > tablesMax) throw new SettingsError(['tables'], `: at most ${tablesMax} can be set`);
    this.#apply(change, overrides);
  }

  #apply(change: CacheSettingsChange, overrides: ReadonlyMap<string, TableOverrides>): void {
    const before = { bytesMax: this.#cacheBytesMax, defaults: this.#defaults, effective: this.#effective };
    const { cacheBytesMax = before.bytesMax, itemTtlMs, queryTtlMs } = change;
    this.#cacheBytesMax = cacheBytesMax;
    this.#defaults = withDefined(before.defaults, { itemTtlMs, queryTtlMs });
    this.#overrides.clear();
    for (const [name, table] of overrides) this.#overrides.set(name, table);
    this.#effective = this.#merged();
    if (cacheBytesMax !== before.bytesMax)
      for (const one of this.#listeners) one.cacheBytesMax?.(cacheBytesMax);
    const names = isEqual(before.defaults, this.#defaults) ? this.#changed(before.effective) : 'all';
    if (names === 'all' || names.length > 0) for (const one of this.#listeners) one.tables?.(names);
  }

  #merged(): Map<string, TableCacheSettings> {
    const entries = [...this.#overrides].map(([name, own]): [string, TableCacheSettings] => [
      name,
      { ...this.#defaults, ...own },
    ]);
    return new Map(entries);
  }

  /** @param before what held, under the same defaults. */
  #changed(before: ReadonlyMap<string, TableCacheSettings>): string[] {
    const names = new Set([...before.keys(), ...this.#effective.keys()]);
    return [...names].filter((name) => !isEqual(before.get(name) ?? this.#defaults, this.of(name)));
  }
}

function override(
  overrides: Map<string, TableOverrides>,
  name: string,
  change: TableOverridesChange | null,
): void {
  const given = Object.entries(change ?? {}).filter(([, value]) => value !== undefined);
  const merged = Object.entries({ ...overrides.get(name), ...Object.fromEntries(given) });
  const own = change === null ? [] : merged.filter(([, value]) => value !== null);
  if (own.length === 0) overrides.delete(name);
  else overrides.set(name, Object.fromEntries(own));
}

function withDefined(
  defaults: TableCacheSettings,
  change: Partial<Record<string, unknown>>,
): TableCacheSettings {
  const given = Object.entries(change).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) };
}

function isEqual(a: TableCacheSettings, b: TableCacheSettings): boolean {
  return a.cache === b.cache && a.itemTtlMs === b.itemTtlMs && a.queryTtlMs === b.queryTtlMs;
}

function checkChange({ cacheBytesMax, itemTtlMs, queryTtlMs, tables = {} }: CacheSettingsChange): void {
  checkNumber(['cacheBytesMax'], cacheBytesMax, cacheBytesMin, cacheBytesMaxMax, 'bytes');
  checkTtls([], { itemTtlMs, queryTtlMs });
  for (const [name, table] of Object.entries(tables)) {
    if (table !== null) checkTtls(['tables', name], table);
  }
}

function checkTtls(path: readonly string[], { itemTtlMs, queryTtlMs }: TableOverridesChange): void {
  checkNumber([...path, 'itemTtlMs'], itemTtlMs, 0, ttlMsMax, 'milliseconds');
  checkNumber([...path, 'queryTtlMs'], queryTtlMs, 0, ttlMsMax, 'milliseconds');
}

function checkNumber(
  path: readonly string[],
  value: number | null | undefined,
  min: number,
  max: number,
  unit: string,
): void {
  if (value === undefined || value === null) return;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  const range = `from ${min.toLocaleString('en-US')} to ${max.toLocaleString('en-US')}`;
  throw new SettingsError(path, ` = ${String(value)}: must be an integer ${range} ${unit}`);
}
