import { Command, CommanderError, Option } from 'commander';
import { didYouMean } from './config/nearest.ts';
import type { OptionType } from './config/option-types.ts';
import type { OptionKey, Program } from './config/options.ts';
import { flagName, optionKeys, options } from './config/options.ts';
import { helpOf, helpOfAll, helpOfGroup, programNames } from './help.ts';

/** What a caller asked for: a program with the flags it was given, by option key. */
export interface Invocation {
  readonly program: Program;
  readonly flags: Readonly<Record<string, unknown>>;
}

/** Where the command line's own words go. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
}

type Invoke = (invocation: Invocation) => void;

const versionFlags = '-V, --version';

/**
 * Reads a command line; the values are not looked at yet.
 * @param words the words behind the program's name.
 * @returns the invocation, or the exit code where there is nothing to run: 0 after help, 2 after an error.
 */
export function readCommandLine(
  words: readonly string[],
  version: string,
  output: Output,
): Invocation | number {
  const unknown = unknownCommand(words);
  if (unknown !== undefined) {
    output.error(`slipstream: unknown command '${unknown}'${didYouMean(unknown, programNames)}\n`);
    return 2;
  }
  let invocation: Invocation | undefined;
  const root = rootCommand(version, output, (read) => {
    invocation = read;
  });
  try {
    root.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  return invocation ?? 0;
}

function unknownCommand([first, second]: readonly string[]): string | undefined {
  if (first === undefined || first.startsWith('-') || [...programNames, 'help'].includes(first))
    return undefined;
  if (!groupNames.has(first)) return first;
  const name = `${first} ${second}`;
  const known =
    second === undefined || second.startsWith('-') || [...programNames, `${first} help`].includes(name);
  return known ? undefined : name;
}

/** What the names of several programs begin with. */
const groupNames: ReadonlySet<string> = new Set(
  programNames.filter((name) => name.includes(' ')).map((name) => name.replace(/ .*/, '')),
);

function rootCommand(version: string, output: Output, invoke: Invoke): Command {
  const root = new Command('slipstream')
    .version(version, versionFlags)
    .configureHelp({ formatHelp: helpOfAll })
    .configureOutput({ writeOut: (text) => output.out(text), writeErr: (text) => output.error(text) })
    .showSuggestionAfterError(false)
    .exitOverride();
  for (const name of programNames) {
    const [first = '', second] = name.split(' ');
    const command = new Command(second ?? first);
    if (second === undefined) root.addCommand(command, { isDefault: name === 'start' });
    else groupOf(root, first).addCommand(command);
    asProgram(command, name, version, root, invoke);
  }
  return root;
}

function groupOf(root: Command, name: string): Command {
  const there = root.commands.find((command) => command.name() === name);
  if (there !== undefined) return there;
  const group = new Command(name)
    .copyInheritedSettings(root)
    .configureHelp({ formatHelp: () => helpOfGroup(name) });
  root.addCommand(group);
  return group;
}

function asProgram(command: Command, name: Program, version: string, root: Command, invoke: Invoke): void {
  const keys = flagKeys.filter((one) => options[one].programs.includes(name));
  const words = keys.filter((key) => options[key].isArgument);
  command
    .copyInheritedSettings(root)
    .version(version, versionFlags)
    .configureHelp({ formatHelp: () => helpOf(name) })
    .configureOutput({ outputError: (text, write) => write(explainError(name, text)) })
    .allowExcessArguments(false)
    .addOption(new Option('--config <file>'))
    .action(() => {
      const given = words
        .map((key, i) => [key, command.args[i]] as const)
        .filter(([, word]) => word !== undefined);
      invoke({ program: name, flags: { ...command.opts(), ...Object.fromEntries(given) } });
    });
  for (const key of words) command.argument(`[${key}]`);
  for (const key of keys) if (!options[key].isArgument) command.addOption(flag(key, options[key].type));
}

const flagKeys = optionKeys.filter((key) => options[key].sources.includes('flag'));

function flag(key: OptionKey, { placeholder, repeatable }: OptionType<unknown>): Option {
  const option = new Option(`${flagName(key)} ${placeholder}`.trim());
  if (repeatable)
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  return option;
}

/** Commander's message without values, which may be secrets, and for an option that the program does not have: whose it is, or which is meant. */
function explainError(program: Program, text: string): string {
  const line = text.replace(/^error: /, 'slipstream: ').replace(/('--[^'=]*)=.*'/s, "$1'");
  const unknown = /unknown option '([^'=]*)/.exec(text)?.[1];
  if (unknown === undefined) return line;
  const other = flagKeys.find((key) => flagName(key) === unknown);
  if (other !== undefined)
    return line.replace(/\n$/, ` for ${program} (it is one of ${options[other].programs.join(', ')})\n`);
  const candidates = flagKeys.filter((key) => options[key].programs.includes(program)).map(flagName);
  return line.replace(/\n$/, `${didYouMean(unknown, [...candidates, '--config', '--help', '--version'])}\n`);
}
