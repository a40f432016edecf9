import type { DynamoDB } from '@aws-sdk/client-dynamodb';
import type { DynamoDBStreams } from '@aws-sdk/client-dynamodb-streams';

/** What the SDK sends in `calls` carries this header. Other calls of the client meanwhile carry it, too. */
export async function withHeader<Result>(
  client: Pick<DynamoDB, 'middlewareStack'> | Pick<DynamoDBStreams, 'middlewareStack'>,
  name: string,
  value: string,
  calls: () => Promise<Result>,
): Promise<Result> {
  const { middlewareStack } = client as Pick<DynamoDB, 'middlewareStack'>;
  middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers[name] = value;
      return next(args);
    },
    { step: 'build', name: 'extension-header' },
  );
  try {
    return await calls();
  } finally {
    middlewareStack.remove('extension-header');
  }
}
