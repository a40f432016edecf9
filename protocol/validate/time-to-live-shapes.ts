import { maxLength, minLength, tableNameConstraints } from './constraint.ts';
import { boolean, required, string, structure } from './shape.ts';

/** The inputs of the operations on TTL; members stand in the order in which AWS reports errors about them. */

const tableName = string(...tableNameConstraints);

export const updateTimeToLive = structure('UpdateTimeToLiveInput', {
  TimeToLiveSpecification: required(
    structure('TimeToLiveSpecification', {
      AttributeName: required(string(minLength(1), maxLength(255))),
      Enabled: required(boolean),
    }),
  ),
  TableName: tableName,
});

export const describeTimeToLive = structure('DescribeTimeToLiveInput', { TableName: tableName });
