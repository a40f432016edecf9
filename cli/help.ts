import type { Option, OptionKey, Program } from './config/options.ts';
import { flagName, optionKeys, options, variableName } from './config/options.ts';

export const programs: Readonly<Record<Program, string>> = {
  start: 'Everything in one process: the accelerator in front of the embedded engine. The default.',
  engine: 'The embedded engine alone, over HTTP.',
  proxy: 'The accelerator alone, in front of any DynamoDB endpoint.',
  check: 'Verifies a data folder that no process uses. Exit code 0: sound; 1: damaged, with what is wrong.',
  'backups list': 'Lists the backups that a server has.',
  'backups create': 'Makes a backup of a table, and waits until it is there.',
  'backups restore': 'Restores a backup as a new table, and waits until it can be used.',
  'backups verify':
    'Reads every byte of a folder of backups, or of one. Exit code 0: sound; 1: damaged, with what is wrong and where.',
  'backups import': 'Verifies backups of another machine, and copies them to where a server finds them.',
  restore: 'Restores a table as it was at a moment, as a new table, and waits until it can be used.',
  'compare-cache':
    "Compares what a proxy's cache answers with the store behind it. Exit code 0: no lasting difference; 1: some; 2: it " +
    'could not be found out.',
};

export const programNames = Object.keys(programs) as Program[];

const columns = 80;

const precedence =
  `A flag wins over its variable, a variable over the configuration file, the file over the default. ` +
  `Sizes and times take units: 256MB, 1.5GB, 500ms, 5s, 10m, 2h; without one they are bytes and milliseconds. ` +
  `Texts of the file may name environment variables: \${NAME}; $\${ stands for \${ itself.`;

/** What `slipstream --help` says: the programs, and every option of every one. */
export function helpOfAll(): string {
  const commands = programNames.flatMap((name) => entry(`slipstream ${name}`, [programs[name]]));
  return page(
    'slipstream [command] [options]',
    'A DynamoDB accelerator: point an AWS SDK at it and keep your code.',
    [
      ['Commands', ...commands],
      ...optionGroups(optionKeys, (key) => (options[key].programs.includes('start') ? '' : onlyFor(key))),
    ],
  );
}

/** What `slipstream <group> --help` says, where several programs begin with the same word. */
export function helpOfGroup(group: string): string {
  const names = programNames.filter((name) => name.startsWith(`${group} `));
  const commands = names.flatMap((name) => entry(`slipstream ${name}`, [programs[name]]));
  return `Usage: slipstream ${group} <command> [options]\n\nCommands\n${commands.join('\n')}\n`;
}

/** What `slipstream <command> --help` says. */
export function helpOf(program: Program): string {
  const keys = optionKeys.filter((key) => options[key].programs.includes(program));
  const name = program === 'start' ? '[start]' : program;
  const words = keys
    .filter((key) => options[key].isArgument)
    .map((key) => ` ${options[key].type.placeholder}`);
  const usage = `slipstream ${name}${words.join('')} [options]`;
  return page(
    usage,
    programs[program],
    optionGroups(keys, () => ''),
  );
}

function page(usage: string, purpose: string, groups: readonly (readonly string[])[]): string {
  const blocks = [[`Usage: ${usage}`], wrap(purpose, ''), ...groups, generalGroup(), wrap(precedence, '')];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function generalGroup(): string[] {
  return [
    'General',
    ...entry('--config <file>', ['Configuration file, YAML or JSON. Variable: SLIPSTREAM_CONFIG.']),
    ...entry('-h, --help', ['Explains the options.']),
    ...entry('-V, --version', ['Prints the version.']),
  ];
}

function optionGroups(keys: readonly OptionKey[], remark: (key: OptionKey) => string): string[][] {
  const groups = new Map<string, string[]>();
  for (const key of keys) {
    const lines = groups.get(options[key].group) ?? [options[key].group];
    groups.set(options[key].group, lines);
    lines.push(
      ...entry(term(key, options[key]), [options[key].description, facts(key, options[key], remark(key))]),
    );
  }
  return [...groups.values()];
}

function term(key: OptionKey, { sources, type, isArgument }: Option): string {
  if (isArgument) return type.placeholder;
  if (sources.includes('flag')) return `${flagName(key)} ${type.placeholder}`.trim();
  return sources.includes('variable') ? `${variableName(key)} (no flag)` : `${key} (configuration file only)`;
}

/** Range and unit, default, variable and key, and whom it concerns. */
function facts(key: OptionKey, option: Option, remark: string): string {
  const { allowed } = option.type;
  const parts = [
    allowed === '' ? '' : `${allowed.charAt(0).toUpperCase()}${allowed.slice(1)}.`,
    `Default: ${option.defaultText ?? option.default ?? 'none'}.`,
    option.sources.includes('variable') ? `Variable: ${variableName(key)}.` : '',
    option.sources.includes('file') ? `Key: ${key}.` : '',
    remark,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function onlyFor(key: OptionKey): string {
  return `Only for: ${options[key].programs.join(', ')}.`;
}

function entry(head: string, paragraphs: readonly string[]): string[] {
  return [`  ${head}`, ...paragraphs.flatMap((paragraph) => wrap(paragraph, '      '))];
}

function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(' ')) {
    if (line !== indent && line.length + word.length >= columns) {
      lines.push(line);
      line = indent;
    }
    line += line === indent ? word : ` ${word}`;
  }
  return [...lines, line];
}
