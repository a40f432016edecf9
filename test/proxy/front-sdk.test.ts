import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, it } from 'vitest';
import type { Request } from '../../protocol/backend.ts';
import { DynamoDbError } from '../../protocol/errors.ts';
import { Reply } from '../../protocol/reply.ts';
import type { Front } from '../../proxy/front/api.ts';
import { closeAll, closeLater, serveApi } from './front-harness.ts';

afterEach(closeAll);

function clientOf(front: Front, secretAccessKey = 'secret', region = 'eu-central-1'): DynamoDBClient {
  const client = new DynamoDBClient({
    endpoint: `http://${front.host}:${front.port}`,
    region,
    credentials: { accessKeyId: 'AKID', secretAccessKey },
    maxAttempts: 1,
  });
  closeLater(() => client.destroy());
  return client;
}

const key = { TableName: 'music', Key: { artist: { S: 'Nina Simone' } } };

describe('the front before the AWS SDK', () => {
  it('hands calls to the backend and replies to the caller', async () => {
    const requests: Request[] = [];
    const front = await serveApi((request) => {
      requests.push(request);
      return new Reply({ Item: { artist: { S: 'Nina Simone' }, plays: { N: '7' } } });
    });
    const reply = await clientOf(front).send(new GetItemCommand(key));
    expect(reply.Item).toEqual({ artist: { S: 'Nina Simone' }, plays: { N: '7' } });
    expect(reply.$metadata.requestId).toMatch(/^[0-9A-V]{52}$/);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ operation: 'GetItem', region: 'eu-central-1', input: key });
    expect(JSON.parse(String(requests[0]?.body))).toEqual(key);
  });

  it('turns errors of the backend into the exceptions of the SDK', async () => {
    const front = await serveApi(async () => {
      throw new DynamoDbError('ConditionalCheckFailedException', 'The conditional request failed', 400, {
        Item: { artist: { S: 'x' } },
      });
    });
    const call = clientOf(front).send(
      new PutItemCommand({ TableName: 'music', Item: { artist: { S: 'x' } } }),
    );
    await expect(call).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
      Item: { artist: { S: 'x' } },
    });
  });

  it('verifies signatures where credentials are configured', async () => {
    const front = await serveApi(() => new Reply({}), {
      credentials: [{ accessKeyId: 'AKID', secretAccessKey: 'secret' }],
    });
    await expect(clientOf(front).send(new GetItemCommand(key))).resolves.toBeDefined();
    const wrong = clientOf(front, 'wrong').send(new GetItemCommand(key));
    await expect(wrong).rejects.toMatchObject({ name: 'InvalidSignatureException' });
  });
});
