import { validationError } from '../errors.ts';
import type {
  DescribeStreamInput,
  GetRecordsInput,
  GetShardIteratorInput,
  ListStreamsInput,
} from '../operation.ts';
import { type Input, validateShape } from './shapes.ts';

/** What can be said against operations on streams before the streams are looked at, in AWS's order. */

const invalid = 'One or more parameter values were invalid:';

/** AWS: API_streams_ListStreams. */
export function validateListStreams(input: Input): ListStreamsInput {
  const list = validateShape('ListStreams', input);
  if (list.ExclusiveStartStreamArn !== undefined) checkStreamArn(list.ExclusiveStartStreamArn);
  return list;
}

/** AWS: API_streams_DescribeStream. */
export function validateDescribeStream(input: Input): DescribeStreamInput {
  const description = validateShape('DescribeStream', input);
  checkStreamArn(description.StreamArn);
  const { ShardFilter: filter } = description;
  if (filter !== undefined && filter.Type === undefined) {
    throw validationError(
      "1 validation error detected: Value 'null' at 'shardFilter.type' failed to satisfy constraint: " +
        'Member must be CHILD_SHARDS',
    );
  }
  return description;
}

/** AWS: API_streams_GetShardIterator. */
export function validateGetShardIterator(input: Input): GetShardIteratorInput {
  const start = validateShape('GetShardIterator', input);
  checkStreamArn(start.StreamArn);
  const { ShardIteratorType: type, SequenceNumber: sequenceNumber } = start;
  const needsNumber = type === 'AT_SEQUENCE_NUMBER' || type === 'AFTER_SEQUENCE_NUMBER';
  if (!needsNumber && sequenceNumber !== undefined) {
    throw validationError(`${invalid} SequenceNumber should not be passed for this iterator type`);
  }
  if (needsNumber && !/^\d+$/.test(sequenceNumber ?? '')) {
    throw validationError(`${invalid} Invalid SequenceNumber`);
  }
  return start;
}

/** AWS: API_streams_GetRecords. */
export function validateGetRecords(input: Input): GetRecordsInput {
  return validateShape('GetRecords', input);
}

const streamArn =
  /^arn:[a-z0-9-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table\/[a-zA-Z0-9_.-]{3,255}\/stream\/[^/|]+$/;

function checkStreamArn(arn: string): void {
  if (!streamArn.test(arn)) throw validationError('Invalid StreamArn');
}
