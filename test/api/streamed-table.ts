import { type Setup, schemaOf, untilActive } from './setups.ts';

/** A new table with whole images in its stream. */
export async function streamedTable(setup: Setup): Promise<{ name: string; arn: string }> {
  const name = setup.newName();
  await setup.dynamo.createTable({
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    ...schemaOf({}),
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  });
  await untilActive(setup.dynamo, name);
  const { Table } = await setup.dynamo.describeTable({ TableName: name });
  return { name, arn: Table?.LatestStreamArn ?? '' };
}
