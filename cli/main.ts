#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Invocation } from './command-line.ts';
import { readCommandLine } from './command-line.ts';
import type { Server } from './config/options.ts';
import { ConfigurationError } from './config/problem.ts';
import type { Configuration } from './config/settings.ts';
import { isServer, readConfiguration } from './config/settings.ts';

// By the package's own name: sources and build lie at different depths below its description.
const { version } = createRequire(import.meta.url)('slipstream-dynamodb/package.json') as { version: string };

const invocation = readCommandLine(process.argv.slice(2), version, {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
});
if (typeof invocation === 'number') {
  process.exitCode = invocation;
} else {
  const configuration = configure(invocation);
  if (configuration === undefined) process.exitCode = 2;
  else await run(invocation, configuration);
}

function configure({ program, flags }: Invocation): Configuration | undefined {
  try {
    return readConfiguration(program, {
      flags,
      variables: process.env,
      readFile: (path) => readFileSync(path, 'utf8'),
    });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const lines = error.problems.map((problem) => `slipstream: ${problem}\n`);
    process.stderr.write(lines.join(''));
    return undefined;
  }
}

/** Each program loads only what it runs on: help needs no storage engine, and the proxy neither. */
async function run({ program }: Invocation, configuration: Configuration): Promise<void> {
  if (program === 'check') {
    const { check } = await import('./check.ts');
    process.exitCode = await check(configuration.settings);
    return;
  }
  if (program === 'compare-cache') {
    const { compareCache } = await import('./compare-cache.ts');
    process.exitCode = await compareCache(configuration);
    return;
  }
  if (isServer(program)) {
    const { serve } = await import('./serve.ts');
    await serve(program, configuration, version, await backendOf(program));
    return;
  }
  if (program === 'backups verify' || program === 'backups import') {
    const { useBackupFolder } = await import('./history/folder.ts');
    process.exitCode = await useBackupFolder(program, configuration.settings);
    return;
  }
  const { requestHistory } = await import('./history/requests.ts');
  process.exitCode = await requestHistory(program, configuration);
}

async function backendOf(program: Server) {
  switch (program) {
    case 'start':
      return (await import('./start.ts')).openStart;
    case 'engine':
      return (await import('./engine.ts')).openEngine;
    case 'proxy':
      return (await import('./proxy.ts')).openProxy;
  }
}
