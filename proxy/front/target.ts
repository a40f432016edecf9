import { operations } from '../../protocol/operation.ts';

export const tablePrefix = 'DynamoDB_20120810.';
export const streamsPrefix = 'DynamoDBStreams_20120810.';

/** The operations that have `streamsPrefix` (AWS: API_Operations_Amazon_DynamoDB_Streams). */
const streamsOperations: ReadonlySet<string> = new Set([
  'DescribeStream',
  'GetRecords',
  'GetShardIterator',
  'ListStreams',
]);

/** The X-Amz-Target that names an operation. */
export function targetOf(operation: string): string {
  return (streamsOperations.has(operation) ? streamsPrefix : tablePrefix) + operation;
}

const knownTargets: ReadonlyMap<string, string> = new Map(
  operations.map((operation) => [targetOf(operation), operation]),
);

/**
 * The operation that an X-Amz-Target names. One of the tables' API that is not known here is passed on too: the
 * backend may be newer.
 */
export function operationOf(target: string): string | undefined {
  return knownTargets.get(target) ?? unknownOperationOf(target);
}

function unknownOperationOf(target: string): string | undefined {
  const name = /^DynamoDB_20120810\.([A-Za-z]{1,64})$/.exec(target)?.[1];
  return name === undefined || streamsOperations.has(name) ? undefined : name;
}
