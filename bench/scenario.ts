import { COLLECTIONS, ITEMS } from './item.ts';
import type { WorkloadName } from './workload.ts';

export type SystemName = 'slipstream' | 'engine' | 'node-http' | 'dynalite' | 'dynamodb-local' | 'sockets';

/** One line of the table: a system under a scenario's load. */
export interface Row {
  /** As `--only`, the targets and the JSON name it. */
  readonly name: string;
  readonly title: string;
  readonly system: SystemName;
  /** Requests take this many keys, uniformly. */
  readonly keys: number;
}

/** Rows that are measured in turns with one another, under the same requests. */
export interface Scenario {
  readonly workload: WorkloadName;
  /** What is looked at. */
  readonly subjects: readonly Row[];
  /** What it is compared with, and `sockets`: how much the generator can send. */
  readonly references: readonly Row[];
  /** Numbers of connections, each a measurement, where the command line names none. */
  readonly connections: readonly number[];
}

/** A ratio of requests per second that a subject has to reach over a reference. */
export interface Target {
  readonly subject: string;
  readonly reference: SystemName;
  readonly connections: number;
  readonly ratioMin: number;
}

/** A hot set, every cache holds it. */
const HOT_ITEMS = 1_000;

/** How Slipstream does when it waits for each request, for a few, and for as many as it can take. */
const FEW_TO_MANY = [1, 16, 64];
const MANY = [64];

const referenceTitles = {
  'node-http': 'bare node:http',
  dynalite: 'dynalite, in memory',
  'dynamodb-local': 'DynamoDB Local, in memory',
  sockets: 'bare sockets',
} as const;

/** The one place where rows are added. Reads come first. References read the hot set, which is no disadvantage to them. */
export const scenarios: readonly Scenario[] = [
  {
    workload: 'get-item',
    subjects: [
      { name: 'cached-get-item', title: 'cached GetItem', system: 'slipstream', keys: HOT_ITEMS },
      { name: 'uncached-get-item', title: 'uncached GetItem', system: 'engine', keys: ITEMS },
    ],
    references: references(HOT_ITEMS, ['node-http', 'dynalite', 'dynamodb-local', 'sockets']),
    connections: FEW_TO_MANY,
  },
  query('query-10', 'Query of 10', ['engine', 'slipstream']),
  query('query-100', 'Query of 100', ['engine', 'slipstream']),
  query('query-index-10', 'Query of 10, global index', ['engine']),
  query('query-index-100', 'Query of 100, global index', ['engine']),
  {
    workload: 'scan',
    subjects: subjects('scan', 'Scan', ITEMS, ['engine']),
    references: references(ITEMS, ['node-http', 'dynalite', 'dynamodb-local']),
    connections: MANY,
  },
  {
    workload: 'put-item',
    subjects: [{ name: 'put-item', title: 'durable PutItem', system: 'slipstream', keys: ITEMS }],
    references: references(ITEMS, ['node-http', 'dynalite', 'dynamodb-local', 'sockets']),
    connections: FEW_TO_MANY,
  },
  {
    workload: 'update-item',
    subjects: subjects('update-item', 'durable UpdateItem', ITEMS, ['engine', 'slipstream']),
    references: references(ITEMS, ['node-http', 'dynalite', 'dynamodb-local']),
    connections: MANY,
  },
  {
    workload: 'transact-write-items',
    subjects: subjects('transact-write-items', 'durable transaction', ITEMS, ['engine', 'slipstream']),
    // dynalite has no transactions.
    references: references(ITEMS, ['node-http', 'dynamodb-local']),
    connections: MANY,
  },
];

export const targets: readonly Target[] = [
  { subject: 'cached-get-item', reference: 'node-http', connections: 64, ratioMin: 0.75 },
  { subject: 'cached-get-item', reference: 'dynalite', connections: 64, ratioMin: 2.5 },
  { subject: 'put-item', reference: 'dynalite', connections: 64, ratioMin: 1.5 },
  { subject: 'query-100', reference: 'dynalite', connections: 64, ratioMin: 5 },
  { subject: 'query-100', reference: 'dynamodb-local', connections: 64, ratioMin: 5 },
];

/**
 * @param only the name of a workload, for all of its subjects, or of one subject; undefined for everything.
 * @returns the scenarios that hold it, with no other subject.
 */
export function selectScenarios(only: string | undefined): Scenario[] {
  return scenarios
    .map((scenario) => ({
      ...scenario,
      subjects: scenario.subjects.filter(
        ({ name }) => only === undefined || name === only || scenario.workload === only,
      ),
    }))
    .filter(({ subjects }) => subjects.length > 0);
}

function query(
  workload: WorkloadName,
  title: string,
  systems: readonly ('engine' | 'slipstream')[],
): Scenario {
  return {
    workload,
    subjects: subjects(workload, title, COLLECTIONS, systems),
    references: references(COLLECTIONS, ['node-http', 'dynalite', 'dynamodb-local']),
    connections: MANY,
  };
}

/** The engine has the workload's name, and what stands before it the name `slipstream-...`. */
function subjects(
  name: string,
  title: string,
  keys: number,
  systems: readonly ('engine' | 'slipstream')[],
): Row[] {
  return systems.map((system) =>
    system === 'engine'
      ? { name, title, system, keys }
      : { name: `slipstream-${name}`, title: `${title}, slipstream`, system, keys },
  );
}

function references(keys: number, names: readonly (keyof typeof referenceTitles)[]): Row[] {
  return names.map((system) => ({ name: system, title: referenceTitles[system], system, keys }));
}
