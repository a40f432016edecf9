import { z } from 'zod';
import { unknownKeys } from './nearest.ts';
import type { OptionType } from './option-types.ts';
import {
  choice,
  duration,
  hostAddress,
  httpUrl,
  integer,
  listenAddress,
  redisUrls,
  size,
  text,
  texts,
  toggle,
} from './option-types.ts';

/** The programs that listen. */
export type Server = 'start' | 'engine' | 'proxy';

/** What asks a running server for backups and restores. */
export type HistoryCaller = 'backups list' | 'backups create' | 'backups restore' | 'restore';

/** What works on folders of backups that are not in use. */
export type BackupFolderTool = 'backups verify' | 'backups import';

export type Program = Server | 'check' | 'compare-cache' | HistoryCaller | BackupFolderTool;
export type Source = 'flag' | 'variable' | 'file';

/** One option of the programs: help, flags, variables, file keys and checks are all made of this. */
export interface Option<T = unknown> {
  readonly group: string;
  readonly type: OptionType<unknown>;
  readonly description: string;
  readonly programs: readonly Program[];
  /** Where it can be given; everywhere unless said. */
  readonly sources: readonly Source[];
  /** What holds where nothing is given, written as a user would write it. */
  readonly default: string | undefined;
  /** Says the default where it is not one value. */
  readonly defaultText: string | undefined;
  /** Its value is never shown. */
  readonly secret: boolean;
  /** On the command line it is the word behind the program's name. */
  readonly isArgument: boolean;
  /** Reads a given value; gives the default for undefined. */
  readonly schema: z.ZodType<T>;
}

interface Traits {
  readonly group: string;
  readonly programs: readonly Program[];
  readonly description: string;
  readonly sources?: readonly Source[];
  readonly defaultText?: string;
  readonly secret?: true;
  readonly isArgument?: true;
}

const servers: readonly Server[] = ['start', 'engine', 'proxy'];
const accelerators: readonly Program[] = ['start', 'proxy'];
const engines: readonly Program[] = ['start', 'engine'];
/** With the key that callers of a server sign with: those servers, and what calls one. */
const historyCallers: readonly HistoryCaller[] = [
  'backups list',
  'backups create',
  'backups restore',
  'restore',
];
const signers: readonly Program[] = [...servers, 'compare-cache', ...historyCallers];
const storeCallers: readonly Program[] = ['proxy', 'compare-cache'];

const printable = /^[\x21-\x7e]+$/;
const path = text('<path>', 'a path', /^[^\0]+$/);

const tableNamePattern = /^[a-zA-Z0-9_.-]{3,255}$/;
const tableName = z.string().regex(tableNamePattern);

/** What a file may say of one table, under `tables.<name>`. */
const table = section({
  cache: omissible(
    section({
      enabled: omissible(toggle().schema),
      itemTtlMs: omissible(duration('0', '365d').schema),
      queryTtlMs: omissible(duration('0', '365d').schema),
    }),
  ),
});

/** Records leave out one name that a table can have: what is said of it would be lost without a word. */
const tables = z
  .unknown()
  .refine((value) => typeof value !== 'object' || value === null || !Object.hasOwn(value, '__proto__'), {
    path: ['__proto__'],
    message: 'cannot be set here, only while the server runs (--admin)',
  })
  .pipe(z.record(tableName, omissible(table), 'must be a mapping of table names to their settings'));

/** A signature's header puts the key before a slash, and ends its fields with commas. */
const accessKeyId = text(
  '<id>',
  'a text of 1 to 128 printable characters, without slash and comma',
  /^[\x21-\x2b\x2d\x2e\x30-\x7e]{1,128}$/,
);

const credential = section({
  accessKeyId: accessKeyId.schema,
  secretAccessKey: omissible(text('', 'a text of printable characters', printable).schema),
  secretAccessKeyFile: omissible(path.schema),
});

/** Every option, in the order of help. */
export const options = {
  host: option(hostAddress(), '127.0.0.1', {
    group: 'Listening',
    programs: servers,
    description: 'Address to listen on. Any but a loopback address needs credentials, or --insecure-no-auth.',
  }),
  port: option(integer(0, 65_535), '8000', {
    group: 'Listening',
    programs: servers,
    description: 'TCP port to listen on; 0 takes a free one, which the ready line names.',
  }),

  accessKeyId: optional(accessKeyId, {
    group: 'Access',
    programs: signers,
    defaultText: 'none; on loopback every signature is accepted',
    description: 'Access key that callers sign with (SigV4); with it every request is verified.',
  }),
  secretAccessKey: optional(text('<secret>', 'a text of printable characters', printable), {
    group: 'Access',
    programs: signers,
    sources: ['variable', 'file'],
    secret: true,
    description:
      'Secret that belongs to the access key. Not a flag, since other users of the machine see flags.',
  }),
  secretAccessKeyFile: optional(path, {
    group: 'Access',
    programs: signers,
    description: 'File that holds the secret of the access key.',
  }),
  credentials: fileOnly(z.array(credential, 'must be a list of access keys').prefault([]), {
    group: 'Access',
    programs: servers,
    secret: true,
    defaultText: 'none',
    description: 'More access keys: a list of accessKeyId with secretAccessKey or secretAccessKeyFile.',
  }),
  insecureNoAuth: option(toggle(), 'false', {
    group: 'Access',
    programs: servers,
    description:
      'Listen on any address without verifying signatures: whoever reaches the port may do everything.',
  }),
  corsOrigin: optionList(
    texts('<origin>', 'an origin such as https://app.example, or *', /^(\*|https?:\/\/[^/?#@\s]+)$/),
    {
      group: 'Access',
      programs: servers,
      defaultText: 'none',
      description: 'Web origin whose pages may call; may be given several times.',
    },
  ),
  allowedHost: optionList(
    texts('<host>', 'a host name without port', /^[A-Za-z0-9._-]+$|^\[?[0-9a-fA-F:]+\]?$/),
    {
      group: 'Access',
      programs: servers,
      defaultText: 'loopback names and the listening address',
      description:
        'Name by which callers may address this server where signatures are not verified; may be given several times.',
    },
  ),

  data: option(path, './data', {
    group: 'Data',
    programs: ['start', 'engine', 'check', 'backups import'],
    description: 'Folder of the tables; made where it is missing. One process at a time uses it.',
  }),
  backups: optional(path, {
    group: 'Data',
    programs: [...engines, 'backups import'],
    defaultText: 'backups in the data folder',
    description: 'Folder of the on-demand backups. They outlive their tables, and can be copied.',
  }),
  bucketDir: optional(path, {
    group: 'Data',
    programs: engines,
    defaultText: 'buckets in the data folder',
    description:
      'Folder whose folders stand for the buckets that tables are exported to and imported from; each has to be made.',
  }),
  s3Endpoint: optional(text('<url>', 'aws, or an http or https address', /^(aws|https?:\/\/[^\s]+)$/), {
    group: 'Data',
    programs: engines,
    defaultText: 'none; buckets are folders',
    description:
      'Export to buckets in S3 and import from there: aws, or another endpoint with its API. Needs the package ' +
      '@aws-sdk/client-s3, and credentials where the AWS SDK finds them.',
  }),
  pitrLagMs: option(duration('0', '1h'), '0', {
    group: 'Data',
    programs: engines,
    description:
      'How far the latest moment that a table can be restored to is behind; AWS keeps it five minutes behind.',
  }),
  durability: option(choice('sync', 'relaxed'), 'sync', {
    group: 'Data',
    programs: engines,
    description:
      'sync: acknowledged writes are on disk. relaxed: acknowledged before the disk has them; power loss takes the last ones.',
  }),
  logSegmentSize: option(size('1MB', '4GB'), '64MB', {
    group: 'Data',
    programs: engines,
    description: 'Size at which the log goes on in a new segment file.',
  }),
  overlaySize: option(size('1MB', '64GB'), '64MB', {
    group: 'Data',
    programs: engines,
    description:
      'Memory for committed writes that the table files do not hold yet; writes are slowed when it is full.',
  }),
  diskReserve: option(size('0', '1TB'), '128MB', {
    group: 'Data',
    programs: engines,
    description: 'Free space on the disk below which writes are refused, so that reads and clean-up go on.',
  }),
  replicaLagMs: option(duration('0', '10m'), '0', {
    group: 'Data',
    programs: engines,
    description:
      'How far eventually consistent reads and global indexes are behind, so that applications can be tested against it.',
  }),
  capacity: option(choice('off', 'provisioned', 'all'), 'provisioned', {
    group: 'Data',
    programs: engines,
    description:
      'Throttling. provisioned: what tables and indexes have been given, and on-demand maxima. all: also what AWS limits ' +
      'of itself: partition keys, warm throughput, account. off: none.',
  }),
  controlPlaneDelayMs: option(duration('0', '10m'), '0', {
    group: 'Data',
    programs: engines,
    description: 'How long a table stays CREATING, UPDATING or DELETING.',
  }),
  ttlSweepMs: option(duration('10ms', '24h'), '60s', {
    group: 'Data',
    programs: engines,
    description: 'Time between two sweeps that remove the items whose time to live is over.',
  }),
  ttlChangeIntervalMs: option(duration('0', '24h'), '0', {
    group: 'Data',
    programs: engines,
    description: "How long a table's time to live cannot be changed again; AWS refuses it for up to an hour.",
  }),
  streamShards: option(integer(1, 32), '4', {
    group: 'Data',
    programs: engines,
    description: 'Into how many shards a new stream of a table is cut, by the hashes of partition keys.',
  }),
  streamShardSeconds: option(integer(1, 86_400), '14400', {
    group: 'Data',
    programs: engines,
    description:
      'How long a shard of a stream takes records before its child goes on; short ones show whether applications follow.',
  }),

  cacheSize: option(size('1MB', '1TB'), '256MB', {
    group: 'Cache',
    programs: accelerators,
    description: 'Memory for cached items and pages; the least recently used go first.',
  }),
  itemTtlMs: option(duration('0', '365d'), '5m', {
    group: 'Cache',
    programs: accelerators,
    description: 'Age at which a cached item is read anew; 0: never by age.',
  }),
  queryTtlMs: option(duration('0', '365d'), '5m', {
    group: 'Cache',
    programs: accelerators,
    description: 'Age at which a cached page of Query or Scan is read anew; 0: pages are not cached.',
  }),
  indexTtlMs: option(duration('0', '365d'), '10s', {
    group: 'Cache',
    programs: accelerators,
    description:
      'The same for pages of global indexes, at most, where writes have to settle (--settle-ms): an index may be behind for longer.',
  }),
  tables: fileOnly(tables.prefault({}), {
    group: 'Cache',
    programs: accelerators,
    defaultText: 'every table as the options above say',
    description: 'Settings of single tables: enabled, itemTtlMs and queryTtlMs under tables.<name>.cache.',
  }),
  describeMs: option(duration('1s', '1h'), '60s', {
    group: 'Cache',
    programs: accelerators,
    description:
      "Age at which a table's description is read anew, to notice a table made anew behind the proxy.",
  }),
  settleMs: optional(duration('0', '10m'), {
    group: 'Cache',
    programs: accelerators,
    defaultText: '0 for start, 1s for proxy',
    description:
      'For this time after a write, reads of its key ask an eventually consistent backend for a consistent answer; for ' +
      'longer where the backend tells of a greater lag.',
  }),
  fenceMs: option(duration('1s', '1h'), '60s', {
    group: 'Cache',
    programs: accelerators,
    description:
      'How long a key stays uncached after a write whose answer never came; longer than the backend can still apply it.',
  }),

  upstream: optional(httpUrl(), {
    group: 'Upstream',
    programs: storeCallers,
    defaultText: 'none; it is required',
    description: 'DynamoDB endpoint to accelerate, such as https://dynamodb.eu-central-1.amazonaws.com.',
  }),
  region: optional(text('<region>', 'a region such as eu-central-1', /^[a-z0-9-]{1,32}$/), {
    group: 'Upstream',
    programs: [...storeCallers, ...historyCallers],
    defaultText:
      "for proxy the region of each caller's signature; for compare-cache that of the upstream's address; else us-east-1",
    description: 'Region that requests are signed for; each has its own tables.',
  }),
  upstreamTimeoutMs: option(duration('100ms', '10m'), '30s', {
    group: 'Upstream',
    programs: storeCallers,
    description: 'Time in which the upstream must have answered a call.',
  }),
  upstreamConnectionsMax: option(integer(1, 10_000), '128', {
    group: 'Upstream',
    programs: ['proxy'],
    description: 'Connections to the upstream at once.',
  }),

  endpoint: optional(httpUrl(), {
    group: 'Endpoint',
    programs: ['compare-cache', ...historyCallers],
    defaultText: 'http://127.0.0.1:8000; compare-cache requires it',
    description: 'Server to call: Slipstream, or any other that has the API.',
  }),
  table: optionList(texts('<name>', 'a name of a table', tableNamePattern), {
    group: 'Endpoint',
    programs: ['compare-cache', 'backups list', 'backups create', 'restore'],
    defaultText: 'all tables, to compare and to list backups of',
    description: 'Table that is meant; compare-cache takes several.',
  }),
  name: optional(text('<name>', 'a name of 3 to 255 letters, digits, _, . and -', tableNamePattern), {
    group: 'History',
    programs: ['backups create'],
    defaultText: "the table's, with the time",
    description: 'Name of the backup. Several may have the same.',
  }),
  backup: optional(text('<arn>', 'an ARN of a backup', /^arn:\S+:table\/\S+\/backup\/\S+$/), {
    group: 'History',
    programs: ['backups restore'],
    defaultText: 'none; it is required',
    description: 'Backup to restore, as backups list names it.',
  }),
  to: optional(
    text(
      '<time>',
      'latest, seconds since 1970, or a time with its zone such as 2026-11-24T12:00:00Z',
      /^(latest|\d{1,11}|\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:?\d\d))$/,
    ),
    {
      group: 'History',
      programs: ['restore'],
      defaultText: 'none; it is required',
      description: 'Moment that comes back: all that was written up to the end of its second.',
    },
  ),
  as: optional(text('<name>', 'a name of a table', tableNamePattern), {
    group: 'History',
    programs: ['backups restore', 'restore'],
    defaultText: 'none; it is required',
    description: 'Name of the new table that gets what comes back.',
  }),
  folder: optional(path, {
    group: 'History',
    programs: ['backups verify', 'backups import'],
    sources: ['flag'],
    isArgument: true,
    defaultText: 'none; it is required',
    description: 'Folder with backups, or with one.',
  }),
  samples: option(integer(1, 1_000_000), '1000', {
    group: 'Comparison',
    programs: ['compare-cache'],
    description: 'Keys to draw at random, of all tables together; each is compared, and its partitions.',
  }),
  delayMs: option(duration('0', '1h'), '5s', {
    group: 'Comparison',
    programs: ['compare-cache'],
    description:
      'How long the answer of the upstream has to stand for a difference to count as lasting; longer than a write may ' +
      'take to be seen through the proxy.',
  }),
  rate: option(integer(1, 100_000), '100', {
    group: 'Comparison',
    programs: ['compare-cache'],
    description: 'Reads of proxy and upstream together, in a second.',
  }),
  json: optional(path, {
    group: 'Comparison',
    programs: ['compare-cache'],
    defaultText: 'none',
    description: 'File to write the whole result to, as JSON.',
  }),

  redis: optionList(redisUrls(), {
    group: 'Fleet',
    programs: ['proxy'],
    secret: true,
    defaultText: 'none; each proxy caches for itself',
    description:
      'Redis that the proxies of a fleet share; may be given several times, for the masters of a cluster. rediss:// is ' +
      'TLS. User and password stand before an @; other users of the machine see flags, but not the variable or the file.',
  }),
  redisTimeoutMs: option(duration('1ms', '10s'), '100ms', {
    group: 'Fleet',
    programs: ['proxy'],
    description: 'Time in which Redis must have answered; after it the read goes to the upstream.',
  }),
  staleIfRedisDownMs: option(duration('0', '1h'), '0', {
    group: 'Fleet',
    programs: ['proxy'],
    description:
      "How long this proxy's own cache is served from while Redis cannot be reached, and writes through other " +
      'proxies are not seen; 0: not at all.',
  }),
  followStreams: option(toggle(), 'false', {
    group: 'Fleet',
    programs: ['proxy'],
    description:
      'Read the DynamoDB Streams of the tables, so that writes which go around every proxy are seen in the cache.',
  }),

  admin: optional(listenAddress(), {
    group: 'Administration',
    programs: servers,
    defaultText: 'none; nothing is served',
    description:
      'Where health, metrics, statistics and live settings are served; the host is 127.0.0.1 unless given. Beyond ' +
      'this machine it needs a token.',
  }),
  adminToken: optional(text('<token>', 'a text of printable characters', printable), {
    group: 'Administration',
    programs: servers,
    sources: ['variable', 'file'],
    secret: true,
    description:
      'Bearer token of the administration, except for health. Not a flag, since other users of the machine see flags.',
  }),
  adminTokenFile: optional(path, {
    group: 'Administration',
    programs: servers,
    description: 'File that holds the bearer token of the administration.',
  }),

  connectionsMax: option(integer(1, 1_000_000), '10000', {
    group: 'Limits',
    programs: servers,
    description: 'Connections of callers at once; more are refused.',
  }),
  bodyBytesMax: option(size('1KB', '64MB'), '16MB', {
    group: 'Limits',
    programs: servers,
    description: 'Size of a request body, before and after decompression.',
  }),
  headerTimeoutMs: option(duration('1s', '10m'), '10s', {
    group: 'Limits',
    programs: servers,
    description: 'Time in which the head of a request must have arrived.',
  }),
  requestTimeoutMs: option(duration('1s', '1h'), '60s', {
    group: 'Limits',
    programs: servers,
    description: 'Time in which a whole request must have arrived.',
  }),
  idleTimeoutMs: option(duration('1s', '1h'), '2m', {
    group: 'Limits',
    programs: servers,
    description: 'Time after which a connection without a request is closed.',
  }),
  closeTimeoutMs: option(duration('100ms', '10m'), '10s', {
    group: 'Limits',
    programs: servers,
    description: 'Time that calls under way have to finish after SIGTERM or SIGINT.',
  }),

  logLevel: option(choice('debug', 'info', 'warn', 'error', 'silent'), 'info', {
    group: 'Logging',
    programs: servers,
    description: 'Least severity of the lines on stderr.',
  }),
  logFormat: option(choice('auto', 'pretty', 'json'), 'auto', {
    group: 'Logging',
    programs: servers,
    description: 'Form of the lines on stderr; auto: pretty on a terminal, else JSON.',
  }),
};

export type OptionKey = keyof typeof options;

/** The checked values of all options; those that do not concern a program stand at their defaults. */
export type Settings = { readonly [K in OptionKey]: z.output<(typeof options)[K]['schema']> };

export const optionKeys = Object.keys(options) as OptionKey[];

export function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export const variablePrefix = 'SLIPSTREAM_';

export function variableName(key: string): string {
  return `${variablePrefix}${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function option<T>(type: OptionType<T>, defaultValue: string, traits: Traits): Option<T> {
  return make(type, type.schema.prefault(defaultValue), defaultValue, traits);
}

function optional<T>(type: OptionType<T>, traits: Traits): Option<T | undefined> {
  return make(type, type.schema.optional(), undefined, traits);
}

function optionList(type: OptionType<string[]>, traits: Traits): Option<string[]> {
  return make(type, type.schema.prefault([]), undefined, traits);
}

function fileOnly<T>(schema: z.ZodType<T>, traits: Traits): Option<T> {
  return make({ placeholder: '', allowed: '', schema }, schema, undefined, { ...traits, sources: ['file'] });
}

function make<T>(
  type: OptionType<unknown>,
  schema: z.ZodType<T>,
  defaultValue: string | undefined,
  traits: Traits,
): Option<T> {
  const { sources = ['flag', 'variable', 'file'], defaultText, ...rest } = traits;
  const { secret = false, isArgument = false, ...common } = rest;
  return { ...common, type, schema, sources, default: defaultValue, defaultText, secret, isArgument };
}

/** A key of a file that is written without a value is left out, as everywhere in the file. */
function omissible<T>(schema: z.ZodType<T>) {
  return z.preprocess((value) => value ?? undefined, schema.optional()).optional();
}

/** A mapping with these keys and no others. Unknown ones are named one to a line, in their order. */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? unknownKeys(issue.keys, keys)
        : `must be a mapping with keys of ${keys.join(', ')}`,
  });
}
