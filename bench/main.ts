import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { Children } from './child.ts';
import { chooseGenerator } from './generator.ts';
import {
  type HistoryFigures,
  type HistoryRow,
  historyRows,
  measureHistory,
  renderHistory,
} from './history/history.ts';
import { type InvalidationDelay, measureInvalidation, renderInvalidation } from './invalidation.ts';
import { ITEM_BYTES, ITEMS } from './item.ts';
import { describeMachine, describeSource, type Machine, place } from './machine.ts';
import { type BenchOptions, parseOptions } from './options.ts';
import { redisObstacle } from './redis.ts';
import {
  judge,
  type RowSummary,
  renderDisturbance,
  renderFromRedis,
  renderTables,
  renderTargets,
  summarize,
} from './report.ts';
import { LoopCounter, type Run, runScenario, type ScenarioResult } from './rounds.ts';
import { INVALIDATION, type Scenario, selectScenarios, targets } from './scenario.ts';
import { runnable, Stores } from './stores.ts';
import { renderHoldings, renderPauses } from './watch.ts';

/** Of the JSON; rises when a member changes its meaning. */
const FORMAT_VERSION = 3;

const INVALIDATION_WRITES = 2_000;
const INVALIDATION_WRITES_QUICK = 200;

const root = fileURLToPath(new URL('../..', import.meta.url));

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  const startedAt = new Date();
  const children = new Children();
  const dataDir = makeDataDir();
  const cleanUp = (): void => {
    children.killAll();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  endOnSignals(cleanUp);
  try {
    await bench(options, startedAt, children, dataDir);
  } finally {
    cleanUp();
  }
}

async function bench(
  options: BenchOptions,
  startedAt: Date,
  children: Children,
  dataDir: string,
): Promise<void> {
  const machine = describeMachine(dataDir);
  const generator = chooseGenerator(options.generator);
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const { seconds, rounds, connections } = options;
  const { placement } = machine;
  const stores = new Stores({ children, placement, dataDir, log });
  const loops = new LoopCounter();
  const run: Run = {
    children,
    stores,
    generator,
    placement,
    seconds,
    rounds,
    connections,
    dataDir,
    loops,
    log,
  };
  print(renderHead(machine, generator.name, options));

  const scenarios = await runnable(chosenScenarios(options, log), log);
  const results: ScenarioResult[] = [];
  let invalidation: InvalidationDelay | undefined;
  let history: HistoryFigures = {};
  try {
    for (const scenario of scenarios) results.push(await runScenario(scenario, run));
    invalidation = await invalidationDelay(options, run);
    history = await measureHistory(chosenHistory(options), options.items, run);
  } finally {
    await stores.stop();
  }
  const figures = summarizeAll(scenarios, results, connections);
  print(`${render(figures, invalidation, history)}\n`);

  const head = {
    version: FORMAT_VERSION,
    startedAt,
    source: describeSource(),
    machine,
    generator: generator.name,
  };
  const file =
    options.json ?? join(root, 'bench', 'results', `${startedAt.toISOString().replaceAll(':', '-')}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `${JSON.stringify({ ...head, options, ...figures, invalidation, history }, null, 2)}\n`,
  );
  print(`Figures: ${file}`);
}

/** What takes minutes is part of a quick run only where it is named. */
function chosenScenarios({ only, isQuick }: BenchOptions, log: (line: string) => void): Scenario[] {
  const selected = selectScenarios(only);
  if (!isQuick || only !== undefined) return selected;
  for (const { name, isLong } of selected) if (isLong) log(`SKIPPED: ${name}, which takes minutes`);
  return selected.filter(({ isLong }) => !isLong);
}

function chosenHistory({ only }: BenchOptions): HistoryRow[] {
  return historyRows.filter((row) => only === undefined || only === row);
}

/** @returns undefined where it is not asked for, or cannot be had. */
async function invalidationDelay(
  { only, isQuick }: BenchOptions,
  { stores, loops, placement, log }: Run,
): Promise<InvalidationDelay | undefined> {
  if (only !== undefined && only !== INVALIDATION) return undefined;
  const obstacle = await redisObstacle();
  if (obstacle !== undefined) {
    log(`SKIPPED: ${INVALIDATION} is not measured, as ${obstacle}`);
    return undefined;
  }
  const writer = await stores.holding('redis-proxy', ['items']);
  const reader = await stores.holding('other-redis-proxy', ['items']);
  if (placement !== undefined) {
    const cores = [placement.serverCore, placement.loadCore];
    for (const { server, helperPids } of [writer, reader]) {
      for (const pid of [server.pid, ...helperPids]) place(pid, cores);
    }
  }
  log(INVALIDATION);
  const writes = isQuick ? INVALIDATION_WRITES_QUICK : INVALIDATION_WRITES;
  return measureInvalidation(writer.server.port, reader.server.port, writes, loops.nextRevision());
}

function summarizeAll(
  scenarios: readonly Scenario[],
  results: readonly ScenarioResult[],
  connections: readonly number[] | undefined,
) {
  const measurements = results.flatMap((result) => result.measurements);
  const holdings = results.flatMap((result) => result.holdings);
  const rows = scenarios.flatMap((scenario) => summarize(scenario, connections, measurements));
  return { rows, targets: judge(targets, rows), holdings, measurements };
}

function render(
  { rows, targets: judged, holdings, measurements }: ReturnType<typeof summarizeAll>,
  invalidation: InvalidationDelay | undefined,
  history: HistoryFigures,
): string {
  const watched = measurements.flatMap(({ row, connections, pausesMs }) =>
    pausesMs === undefined ? [] : [{ title: titleOf(rows, row), connections, pausesMs }],
  );
  const parts = [
    rows.length === 0 ? undefined : renderTables(rows),
    renderFromRedis(rows),
    renderPauses(watched),
    renderHoldings(holdings),
    invalidation && renderInvalidation(invalidation),
    renderHistory(history),
    `Targets\n${renderTargets(judged)}`,
    renderDisturbance(rows),
  ];
  return parts.filter((part) => part !== undefined).join('\n\n');
}

function titleOf(rows: readonly RowSummary[], name: string): string {
  return rows.find(({ row }) => row === name)?.title ?? name;
}

function renderHead(machine: Machine, generator: string, { seconds, rounds }: BenchOptions): string {
  const { cpu, cores, os, node, fdatasyncUs, placement } = machine;
  const pinned =
    placement === undefined
      ? 'Processes are not pinned: the system moves them between processors.'
      : `Pinned: servers with all their threads to processor ${placement.serverCore}, load to ${placement.loadCore}; in rows that write, servers to both.`;
  return [
    `${cores} x ${cpu}, ${os}, Node.js ${node}, one fdatasync ${fdatasyncUs} us`,
    `${pinned} Load: ${generator}.`,
    `${ITEM_BYTES}-byte items, ${ITEMS} in each table; medians of ${rounds} rounds of ${seconds} s; latency in us.`,
    '',
  ].join('\n');
}

/** On the disk of the checkout: the system's folder for temporary files may be memory, where a sync costs nothing. */
function makeDataDir(): string {
  const parent = join(root, '.cache');
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, 'bench-'));
}

function endOnSignals(cleanUp: () => void): void {
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.once(signal, () => {
      cleanUp();
      process.exit(128 + number);
    });
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  await main();
} catch (error) {
  const isHelp = error instanceof CommanderError && error.exitCode === 0;
  if (!isHelp) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
