import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Maven downloads 52 MB. */
const FETCH_MS_MAX = 180_000;

/** The compiled script lies one folder deeper than its source. */
const root = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../..' : '../../..', import.meta.url));
/** Its pom, and the class that binds it to loopback. */
const source = join(root, 'bench', 'reference', 'dynamodb-local');
const cache = join(root, '.cache', 'dynamodb-local');
const library = join(cache, 'lib');

/**
 * Fetches DynamoDB Local into the cache of the checkout where it is not there yet.
 * @returns why it cannot run here, or undefined if it can.
 */
export function fetchDynamoDbLocal(): string | undefined {
  if (spawnSync('java', ['-version']).status !== 0) return 'there is no Java (17 or newer)';
  const complete = join(cache, 'complete');
  if (existsSync(complete)) return undefined;
  if (spawnSync('mvn', ['-v']).status !== 0) return 'there is no Maven to fetch it with';
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${library}`];
  const fetched = spawnSync('mvn', ['-B', '-q', '-f', join(source, 'pom.xml'), ...goal], {
    encoding: 'utf8',
    timeout: FETCH_MS_MAX,
  });
  if (fetched.status !== 0) return `Maven could not fetch it: ${fetched.stdout.split('\n')[0]}`;
  writeFileSync(complete, '');
  return undefined;
}

/** Starts it in memory on a free port of loopback; it prints `ready PORT`. The differential test uses it, too. */
export function dynamoDbLocalCommand(): { program: string; args: string[] } {
  return {
    program: 'java',
    args: [
      `-Djava.library.path=${library}`,
      '-cp',
      join(library, '*'),
      join(source, 'LoopbackServer.java'),
      '-inMemory',
      '-sharedDb',
      '-disableTelemetry',
    ],
  };
}
