import { Command, InvalidArgumentError, Option } from 'commander';
import type { GeneratorChoice } from './generator.ts';
import { historyRows } from './history/history.ts';
import { INVALIDATION, scenarios } from './scenario.ts';

export interface BenchOptions {
  /** Of each measurement. */
  readonly seconds: number;
  readonly rounds: number;
  /** Undefined leaves the choice to each scenario. */
  readonly connections: readonly number[] | undefined;
  /** The one scenario or subject to measure; undefined for all. */
  readonly only: string | undefined;
  /** Of the table that is backed up and restored. */
  readonly items: number;
  readonly isQuick: boolean;
  /** Where the JSON goes; undefined for a file of its own under bench/results. */
  readonly json: string | undefined;
  /** Undefined takes wrk where it is installed. */
  readonly generator: GeneratorChoice | undefined;
}

const HISTORY_ITEMS = 1_000_000;
const HISTORY_ITEMS_QUICK = 50_000;
const HISTORY_ITEMS_MIN = 10_000;
const HISTORY_ITEMS_MAX = 10_000_000;
const SECONDS_MAX = 60;
const ROUNDS_MAX = 20;
const CONNECTIONS_MAX = 1_000;
const CONNECTION_COUNTS_MAX = 8;

interface Flags {
  readonly seconds?: number;
  readonly rounds?: number;
  readonly connections?: number[];
  readonly only?: string;
  readonly items?: number;
  readonly json?: string;
  readonly generator?: GeneratorChoice;
  readonly quick?: true;
}

/**
 * @param args the command line without the programs' names.
 * @throws CommanderError for a wrong option, and with exit code 0 after `--help`, which it prints.
 */
export function parseOptions(args: readonly string[]): BenchOptions {
  const flags = benchCommand()
    .parse([...args], { from: 'user' })
    .opts<Flags>();
  return {
    seconds: flags.seconds ?? (flags.quick ? 1 : 2),
    rounds: flags.rounds ?? (flags.quick ? 1 : 3),
    connections: flags.connections,
    only: flags.only,
    items: flags.items ?? (flags.quick ? HISTORY_ITEMS_QUICK : HISTORY_ITEMS),
    isQuick: flags.quick === true,
    json: flags.json,
    generator: flags.generator,
  };
}

function benchCommand(): Command {
  const names = scenarios.flatMap(({ name, subjects }) => [name, ...subjects.map((subject) => subject.name)]);
  return new Command('npm run bench --')
    .description('Measures requests per second and latency beside references, in turns, in one run.')
    .option(
      '--seconds <n>',
      `length of one measurement, 1 to ${SECONDS_MAX} (default: 2)`,
      wholeNumber(SECONDS_MAX),
    )
    .option(
      '--rounds <n>',
      `turns that every row gets, 1 to ${ROUNDS_MAX} (default: 3)`,
      wholeNumber(ROUNDS_MAX),
    )
    .option(
      '--connections <n,...>',
      'open connections, each list element a measurement (default: 64; of GetItem and PutItem also 1 and 16)',
      connectionCounts,
    )
    .addOption(
      new Option('--only <name>', 'measure one scenario, or one subject of it, and its references').choices([
        ...new Set([...names, INVALIDATION, ...historyRows]),
      ]),
    )
    .option(
      '--items <n>',
      `items that are backed up and restored, ${HISTORY_ITEMS_MIN} to ${HISTORY_ITEMS_MAX} (default: ${HISTORY_ITEMS}, quick: ${HISTORY_ITEMS_QUICK})`,
      wholeNumber(HISTORY_ITEMS_MAX, HISTORY_ITEMS_MIN),
    )
    .addOption(
      new Option('--generator <name>', 'load generator (default: wrk where installed)').choices([
        'wrk',
        'node',
      ]),
    )
    .option('--json <file>', 'where the figures are written (default: bench/results/<time>.json)')
    .option(
      '--quick',
      'one round of one second each, and nothing that takes minutes: shows that all runs, measures little',
    )
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
}

function wholeNumber(max: number, min = 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

function connectionCounts(text: string): number[] {
  const counts = text.split(',').map(wholeNumber(CONNECTIONS_MAX));
  if (counts.length > CONNECTION_COUNTS_MAX) {
    throw new InvalidArgumentError(`It takes ${CONNECTION_COUNTS_MAX} numbers at most.`);
  }
  return counts;
}
