import { atLeast, atMost, maxLength, minLength, nameConstraints, oneOf } from './constraint.ts';
import { integer, required, string, structure } from './shape.ts';

/**
 * The inputs of the operations on streams (AWS: API_Operations_Amazon_DynamoDB_Streams; the service's model). Members stand in the
 * order in which errors about them are reported.
 */

const streamArn = string(minLength(37), maxLength(1024));
const shardId = string(minLength(28), maxLength(65));
const limit = integer(atLeast(1), atMost(100));

export const listStreams = structure('ListStreamsInput', {
  ExclusiveStartStreamArn: streamArn,
  Limit: limit,
  TableName: string(...nameConstraints),
});

export const describeStream = structure('DescribeStreamInput', {
  StreamArn: required(streamArn),
  ExclusiveStartShardId: shardId,
  Limit: limit,
  ShardFilter: structure('ShardFilter', { ShardId: shardId, Type: string(oneOf('CHILD_SHARDS')) }),
});

export const getShardIterator = structure('GetShardIteratorInput', {
  StreamArn: required(streamArn),
  SequenceNumber: string(minLength(21), maxLength(40)),
  ShardId: required(shardId),
  ShardIteratorType: required(
    string(oneOf('TRIM_HORIZON', 'LATEST', 'AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER')),
  ),
});

export const getRecords = structure('GetRecordsInput', {
  ShardIterator: required(string(minLength(1), maxLength(2048))),
  Limit: integer(atLeast(1), atMost(1000)),
});
