import { fileURLToPath } from 'node:url';
import { dynamoDbLocalCommand } from '../../bench/reference/dynamodb-local.ts';
import { ChildServer } from './child-server.ts';

/** Two processors are few for a virtual machine that compiles and collects in threads of its own. */
const javaOptions = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx512m'];

/** DynamoDB Local, in memory, where `fetchDynamoDbLocal` found no obstacle. */
export function startDynamoDbLocal(): Promise<ChildServer> {
  const { program, args } = dynamoDbLocalCommand();
  return ChildServer.run(program, [...javaOptions, ...args], fileURLToPath(new URL('.', import.meta.url)));
}
