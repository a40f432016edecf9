import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { Children } from './child.ts';
import { chooseGenerator } from './generator.ts';
import { ITEM_BYTES, ITEMS } from './item.ts';
import { describeMachine, describeSource, type Machine } from './machine.ts';
import { type BenchOptions, parseOptions } from './options.ts';
import { judge, renderDisturbance, renderTables, renderTargets, summarize } from './report.ts';
import { LoopCounter, type Measurement, type Run, runScenario } from './rounds.ts';
import { selectScenarios, targets } from './scenario.ts';
import { runnable, Stores } from './stores.ts';

/** Of the JSON; rises when a member changes its meaning. */
const FORMAT_VERSION = 2;

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

  const scenarios = runnable(selectScenarios(options.only), log);
  const measurements: Measurement[] = [];
  for (const scenario of scenarios) measurements.push(...(await runScenario(scenario, run)));
  await stores.stop();

  const rows = scenarios.flatMap((scenario) => summarize(scenario, connections, measurements));
  const targetResults = judge(targets, rows);
  const parts = [renderTables(rows), `Targets\n${renderTargets(targetResults)}`, renderDisturbance(rows)];
  print(`${parts.filter((part) => part !== undefined).join('\n\n')}\n`);

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
    `${JSON.stringify({ ...head, options, rows, targets: targetResults, measurements }, null, 2)}\n`,
  );
  print(`Figures: ${file}`);
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
