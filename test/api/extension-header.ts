import type { DynamoDB } from '@aws-sdk/client-dynamodb';
import type { DynamoDBStreams } from '@aws-sdk/client-dynamodb-streams';

type Client = Pick<DynamoDB, 'middlewareStack'> | Pick<DynamoDBStreams, 'middlewareStack'>;

/** What a call gave, and the headers of its last reply. */
export interface Answered<Result> {
  readonly result: Result;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the SDK sends in `calls` carries this header. Other calls of the client meanwhile carry it, too. */
export async function withHeader<Result>(
  client: Client,
  name: string,
  value: string,
  calls: () => Promise<Result>,
): Promise<Answered<Result>> {
  const { middlewareStack } = client as Pick<DynamoDB, 'middlewareStack'>;
  let headers: Record<string, string> = {};
  middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers[name] = value;
      return next(args);
    },
    { step: 'build', name: 'extension-header' },
  );
  middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      ({ headers } = answer.response as { headers: Record<string, string> });
      return answer;
    },
    { step: 'deserialize', priority: 'low', name: 'extension-headers-of-reply' },
  );
  try {
    return { result: await calls(), headers };
  } finally {
    middlewareStack.remove('extension-header');
    middlewareStack.remove('extension-headers-of-reply');
  }
}
