import type { Operation } from './request.ts';

export type SystemName = 'slipstream' | 'engine' | 'node-http' | 'dynalite' | 'sockets';

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
  readonly operation: Operation;
  /** What is looked at. */
  readonly subjects: readonly Row[];
  /** What it is compared with, and `sockets`: how much the generator can send. */
  readonly references: readonly Row[];
}

/** A ratio of requests per second that a subject has to reach over a reference. */
export interface Target {
  readonly subject: string;
  readonly reference: SystemName;
  readonly connections: number;
  readonly ratioMin: number;
}

/** Every table store begins with so many items; writes overwrite them, so that no system grows while it is measured. */
export const ITEMS = 20_000;

/** A hot set, every cache holds it. */
const HOT_ITEMS = 1_000;

/** The one place where rows are added. References read the hot set, which is no disadvantage to them. */
export const scenarios: readonly Scenario[] = [
  {
    operation: 'GetItem',
    subjects: [
      { name: 'cached-get-item', title: 'cached GetItem', system: 'slipstream', keys: HOT_ITEMS },
      { name: 'uncached-get-item', title: 'uncached GetItem', system: 'engine', keys: ITEMS },
    ],
    references: references(HOT_ITEMS),
  },
  {
    operation: 'PutItem',
    subjects: [{ name: 'put-item', title: 'durable PutItem', system: 'slipstream', keys: ITEMS }],
    references: references(ITEMS),
  },
];

export const targets: readonly Target[] = [
  { subject: 'cached-get-item', reference: 'node-http', connections: 64, ratioMin: 0.75 },
  { subject: 'cached-get-item', reference: 'dynalite', connections: 64, ratioMin: 2.5 },
  { subject: 'put-item', reference: 'dynalite', connections: 64, ratioMin: 1.5 },
];

/** @returns the scenarios that hold the subject `only`, with no other subject; all where it is undefined. */
export function selectScenarios(only: string | undefined): Scenario[] {
  return scenarios
    .map((scenario) => ({
      ...scenario,
      subjects: scenario.subjects.filter(({ name }) => only === undefined || name === only),
    }))
    .filter(({ subjects }) => subjects.length > 0);
}

function references(keys: number): Row[] {
  return [
    { name: 'node-http', title: 'bare node:http', system: 'node-http', keys },
    { name: 'dynalite', title: 'dynalite, in memory', system: 'dynalite', keys },
    { name: 'sockets', title: 'bare sockets', system: 'sockets', keys },
  ];
}
