import { describe } from 'vitest';
import { fetchDynamoDbLocal } from '../../../bench/reference/dynamodb-local.ts';
import { startDynamoDbLocal } from '../../differential/dynamodb-local.ts';
import { testFollowing } from './followed-store.ts';

const obstacle = fetchDynamoDbLocal();
if (obstacle !== undefined) {
  process.stderr.write(`\nSKIPPED: following the streams of DynamoDB Local, as ${obstacle}\n\n`);
}

describe.skipIf(obstacle !== undefined)('in front of DynamoDB Local', () => {
  testFollowing(startDynamoDbLocal);
});
