import type { Level } from 'pino';
import { pino } from 'pino';
import type { Logger } from '../protocol/logger.ts';
import type { Settings } from './config/options.ts';

export interface Log extends Logger {
  fatal(details: object, message: string): void;
  isLevelEnabled(level: string): boolean;
}

/** Pino's numbers for its levels, by name. */
const levelNames: Readonly<Record<number, Level>> = {
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

const serializers = { err: pino.stdSerializers.err };

/** Whether lines are for people: as the option says, and where it leaves it open, on a terminal. */
export function isPretty(format: Settings['logFormat'], isTerminal: boolean): boolean {
  return format === 'pretty' || (format === 'auto' && isTerminal);
}

/** The log on stderr: one JSON object a line, or short lines for people. Each is written before the call returns. */
export function openLog(level: Settings['logLevel'], pretty: boolean): Log {
  // Who reads stderr may go away; the service goes on, and has nobody left to tell.
  process.stderr.on('error', () => {});
  if (pretty) {
    const write = (line: string) => process.stderr.write(prettyLine(line));
    return pino({ level, serializers, base: null }, { write });
  }
  const destination = pino.destination({ dest: 2, sync: true });
  destination.on('error', () => {});
  return pino({ level, serializers, base: { name: 'slipstream' } }, destination);
}

/** `12:30:05 warn  message key=value`; of an error its stack, on lines of its own. */
function prettyLine(json: string): string {
  const { time, level, msg, err: error, ...rest } = JSON.parse(json);
  const details = Object.entries(rest).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  const name = levelNames[level] ?? String(level);
  const stack = error === undefined ? '' : `\n${error.stack ?? error.message ?? JSON.stringify(error)}`;
  return `${new Date(time).toTimeString().slice(0, 8)} ${name.padEnd(5)} ${msg}${details.join('')}${stack}\n`;
}
