import { COLLECTIONS, ITEMS, MANY_ITEMS } from './item.ts';
import { SCAN_ITEMS, type WorkloadName } from './workload.ts';

/** What the names stand for: bench/system.ts. */
export type SystemName =
  | 'slipstream'
  | 'engine'
  | 'recovery-engine'
  | 'stream-engine'
  | 'history-engine'
  | 'proxy'
  | 'small-proxy'
  | 'redis-proxy'
  | 'other-redis-proxy'
  | 'small-redis-proxy'
  | 'thousand-proxy'
  | 'million-proxy'
  | 'node-http'
  | 'redis-get'
  | 'dynalite'
  | 'dynamodb-local'
  | 'sockets';

/** One line of the table: a system under a scenario's load. */
export interface Row {
  /** As `--only`, the targets and the JSON name it. */
  readonly name: string;
  readonly title: string;
  readonly system: SystemName;
  /** Requests take this many keys, uniformly. */
  readonly keys: number;
  /** Whether each of the keys is read once before anything is measured. */
  readonly isReadFirst?: true;
  /** Threads of its server are at work beside the one that serves, so that it may use both processors whatever is asked. */
  readonly hasThreads?: true;
}

/** Rows that are measured in turns with one another, under the same requests. */
export interface Scenario {
  /** As `--only` and the JSON name it. */
  readonly name: string;
  /** As tables of the report name it. */
  readonly title: string;
  readonly workload: WorkloadName;
  /** What is looked at. */
  readonly subjects: readonly Row[];
  /** What it is compared with, and `sockets`: how much the generator can send. */
  readonly references: readonly Row[];
  /** Numbers of connections, each a measurement, where the command line names none. */
  readonly connections: readonly number[];
  /** Each measurement takes so many times as long as those of others; once unless said. */
  readonly lengthFactor?: number;
  /** It takes minutes, and a quick run leaves it out unless it is named. */
  readonly isLong?: true;
}

/** A ratio that a subject has to reach over a reference, or to stay within. */
export interface Target {
  readonly subject: string;
  readonly reference: SystemName;
  readonly connections: number;
  /** Rates have to reach the ratio, latencies to stay within it. */
  readonly measure: Measure;
  readonly ratio: number;
}

export type Measure = 'requestsPerSecond' | 'p50' | 'p99';

/** The row of the time from a write's acknowledgement to the last old answer; it has no scenario (bench/invalidation.ts). */
export const INVALIDATION = 'invalidation';

/** A hot set, every cache holds it. */
const HOT_ITEMS = 1_000;

/** How Slipstream does when it waits for each request, for a few, and for as many as it can take. */
const FEW_TO_MANY = [1, 16, 64];
const MANY = [64];

const referenceTitles = {
  engine: 'the engine alone',
  'redis-get': 'bare node:http, GET of ioredis',
  'thousand-proxy': 'hit among 1,000 items',
  'node-http': 'bare node:http',
  dynalite: 'dynalite, in memory',
  'dynamodb-local': 'DynamoDB Local, in memory',
  sockets: 'bare sockets',
} as const;

/** The one place where rows are added. Reads come first. References read the hot set, which is no disadvantage to them. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'get-item',
    title: 'GetItem',
    workload: 'get-item',
    subjects: [
      { name: 'cached-get-item', title: 'cached GetItem', system: 'slipstream', keys: HOT_ITEMS },
      { name: 'uncached-get-item', title: 'uncached GetItem', system: 'engine', keys: ITEMS },
    ],
    references: references(HOT_ITEMS, ['node-http', 'dynalite', 'dynamodb-local', 'sockets']),
    connections: FEW_TO_MANY,
  },
  {
    name: 'redis-get-item',
    title: 'GetItem from Redis',
    workload: 'get-item',
    subjects: [
      {
        name: 'redis-get-item',
        title: 'GetItem from Redis',
        system: 'small-redis-proxy',
        keys: ITEMS,
        isReadFirst: true,
      },
    ],
    references: references(ITEMS, ['redis-get']),
    connections: FEW_TO_MANY,
  },
  {
    name: 'missed-get-item',
    title: 'GetItem that is not cached',
    workload: 'get-item',
    subjects: [{ name: 'missed-get-item', title: 'missed GetItem', system: 'small-proxy', keys: ITEMS }],
    references: references(ITEMS, ['engine']),
    connections: FEW_TO_MANY,
  },
  query('query-10', 'Query of 10', ['engine', 'slipstream']),
  query('query-100', 'Query of 100', ['engine', 'slipstream']),
  query('query-index-10', 'Query of 10 on a global index', ['engine']),
  query('query-index-100', 'Query of 100 on a global index', ['engine']),
  {
    name: 'scan',
    title: `Scan, pages of ${SCAN_ITEMS} items`,
    workload: 'scan',
    subjects: [{ name: 'scan', title: 'Scan', system: 'engine', keys: ITEMS }],
    references: references(ITEMS, ['node-http', 'dynalite', 'dynamodb-local']),
    connections: MANY,
  },
  {
    name: 'put-item',
    title: 'PutItem',
    workload: 'put-item',
    subjects: [{ name: 'put-item', title: 'durable PutItem', system: 'slipstream', keys: ITEMS }],
    references: references(ITEMS, ['node-http', 'dynalite', 'dynamodb-local', 'sockets']),
    connections: FEW_TO_MANY,
  },
  {
    name: 'write-through',
    title: 'PutItem through a proxy',
    workload: 'put-item',
    subjects: [
      { name: 'put-through', title: 'through a proxy', system: 'proxy', keys: ITEMS },
      { name: 'put-through-redis', title: 'through a proxy with Redis', system: 'redis-proxy', keys: ITEMS },
    ],
    references: references(ITEMS, ['engine']),
    connections: FEW_TO_MANY,
  },
  {
    name: 'update-item',
    title: 'UpdateItem with a condition',
    workload: 'update-item',
    subjects: uncachedSubjects('update-item', 'durable UpdateItem'),
    references: references(ITEMS, ['node-http', 'dynalite', 'dynamodb-local']),
    connections: MANY,
  },
  {
    name: 'transact-write-items',
    title: 'TransactWriteItems of 2',
    workload: 'transact-write-items',
    subjects: uncachedSubjects('transact-write-items', 'durable transaction'),
    // dynalite has no transactions.
    references: references(ITEMS, ['node-http', 'dynamodb-local']),
    connections: MANY,
  },
  {
    name: 'put-item-history',
    title: 'PutItem into a table whose changes are kept',
    workload: 'put-item',
    subjects: [
      { name: 'recovery-put-item', title: 'point-in-time recovery', system: 'recovery-engine', keys: ITEMS },
      { name: 'stream-put-item', title: 'a stream', system: 'stream-engine', keys: ITEMS },
    ],
    references: references(ITEMS, ['engine']),
    connections: MANY,
    // Segments of the log fill up, are taken apart and followed by bases of the table, several times.
    lengthFactor: 5,
  },
  {
    name: 'many-items',
    title: 'GetItem from a large cache',
    workload: 'get-many-items',
    subjects: [
      {
        name: 'hit-of-a-million',
        title: 'hit among 1,000,000 items',
        system: 'million-proxy',
        keys: MANY_ITEMS,
        isReadFirst: true,
      },
    ],
    references: references(HOT_ITEMS, ['thousand-proxy']).map((row) => ({ ...row, isReadFirst: true })),
    connections: FEW_TO_MANY,
    isLong: true,
  },
];

export const targets: readonly Target[] = [
  reaches('cached-get-item', 0.75, 'node-http'),
  reaches('cached-get-item', 2.5, 'dynalite'),
  reaches('put-item', 1.5, 'dynalite'),
  reaches('query-100', 5, 'dynalite'),
  reaches('query-100', 5, 'dynamodb-local'),
  reaches('cached-query-10', 15, 'dynalite'),
  reaches('cached-query-10', 15, 'dynamodb-local'),
  reaches('recovery-put-item', 0.85, 'engine'),
  staysWithin('redis-get-item', 'p50', 1.3, 'redis-get', 1),
  staysWithin('redis-get-item', 'p50', 1.3, 'redis-get', 64),
  staysWithin('hit-of-a-million', 'p99', 2, 'thousand-proxy', 16),
  staysWithin('hit-of-a-million', 'p99', 2, 'thousand-proxy', 64),
];

/**
 * @param only the name of a scenario, for all of its subjects, or of one subject; undefined for everything.
 * @returns the scenarios that hold it, with no other subject.
 */
export function selectScenarios(only: string | undefined): Scenario[] {
  return scenarios
    .map((scenario) => ({
      ...scenario,
      subjects: scenario.subjects.filter(
        ({ name }) => only === undefined || name === only || scenario.name === only,
      ),
    }))
    .filter(({ subjects }) => subjects.length > 0);
}

/** Through the accelerator pages come from its cache, as there are far more requests than partitions. */
function query(
  name: 'query-10' | 'query-100' | 'query-index-10' | 'query-index-100',
  title: string,
  systems: readonly ('engine' | 'slipstream')[],
): Scenario {
  const subjects = systems.map((system) =>
    system === 'engine'
      ? { name, title, system, keys: COLLECTIONS }
      : { name: `cached-${name}`, title: `cached ${title}`, system, keys: COLLECTIONS },
  );
  return {
    name,
    title,
    workload: name,
    subjects,
    references: references(COLLECTIONS, ['node-http', 'dynalite', 'dynamodb-local']),
    connections: MANY,
  };
}

/** The engine has the scenario's name, and what stands before it the name `slipstream-...`. */
function uncachedSubjects(name: string, title: string): Row[] {
  return [
    { name, title, system: 'engine', keys: ITEMS },
    { name: `slipstream-${name}`, title: `${title}, slipstream`, system: 'slipstream', keys: ITEMS },
  ];
}

function references(keys: number, names: readonly (keyof typeof referenceTitles)[]): Row[] {
  return names.map((system) => ({ name: system, title: referenceTitles[system], system, keys }));
}

function reaches(subject: string, ratio: number, reference: SystemName): Target {
  return { subject, reference, connections: 64, measure: 'requestsPerSecond', ratio };
}

function staysWithin(
  subject: string,
  measure: 'p50' | 'p99',
  ratio: number,
  reference: SystemName,
  connections: number,
): Target {
  return { subject, reference, connections, measure, ratio };
}
