import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildServer } from './child-server.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = fileURLToPath(new URL('../../.cache/dynamodb-local', import.meta.url));
const library = join(cache, 'lib');
/** There once Maven has copied everything. */
const complete = join(cache, 'complete');

/** For 52 MB. */
const fetchMs = 180_000;

/** Fetches DynamoDB Local where the cache lacks it. @returns why it cannot run here; undefined if it can. */
export function dynamoDbLocalObstacle(): string | undefined {
  if (spawnSync('java', ['-version']).status !== 0) return 'there is no Java (17 or newer)';
  if (existsSync(complete)) return undefined;
  if (spawnSync('mvn', ['-v']).status !== 0) return 'there is no Maven to fetch it with';
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${library}`];
  const fetched = spawnSync('mvn', ['-B', '-q', '-f', join(here, 'pom.xml'), ...goal], { timeout: fetchMs });
  if (fetched.status !== 0) return `Maven could not fetch it: ${fetched.stdout.toString().split('\n')[0]}`;
  writeFileSync(complete, '');
  return undefined;
}

/** DynamoDB Local, in memory. */
export function startDynamoDbLocal(): Promise<ChildServer> {
  const words = [
    ...['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx512m'],
    ...[`-Djava.library.path=${library}`, '-cp', join(library, '*'), join(here, 'LoopbackServer.java')],
    ...['-inMemory', '-sharedDb', '-disableTelemetry'],
  ];
  return ChildServer.run('java', words, here);
}
