import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImportTableDescription, ImportTableInput } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { itemsOf, untilGone, waiting } from './history.ts';
import { describeSetups, invalid, refusal, type Setup } from './setups.ts';

const account = '000000000000';
const S3Bucket = 'imports';

describeSetups((setup) => {
  const arnOf = (name: string) => `arn:aws:dynamodb:${setup.region}:${account}:table/${name}`;

  function input(TableName: string, more: Partial<ImportTableInput> = {}): ImportTableInput {
    return {
      S3BucketSource: { S3Bucket, S3KeyPrefix: `${TableName}/` },
      InputFormat: 'DYNAMODB_JSON',
      TableCreationParameters: {
        TableName,
        KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      },
      ...more,
    };
  }

  function upload(name: string, lines: readonly object[]): void {
    const folder = join(setup.dataDirectory, 'buckets', S3Bucket, name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'items.json'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  async function begin(from: ImportTableInput): Promise<ImportTableDescription> {
    return (await setup.dynamo.importTable(from)).ImportTableDescription ?? {};
  }

  test('an import makes a table that is used like others', async () => {
    const name = setup.newName();
    const items = ['a', 'b', 'c'].map((p) => ({ p: { S: p }, v: { N: '1' } }));
    upload(
      name,
      items.map((item) => ({ Item: item })),
    );
    const begun = await begin(input(name));
    expect(begun).toMatchObject({
      ImportStatus: 'IN_PROGRESS',
      ProcessedItemCount: 0,
      TableArn: arnOf(name),
    });
    expect(begun).not.toHaveProperty('EndTime');
    const change = setup.dynamo.updateTable({ TableName: name, DeletionProtectionEnabled: true });
    const inUse = `Attempt to change a resource which is still in use: Table is being created: ${name}`;
    await expect(change).rejects.toMatchObject(refusal('ResourceInUseException', inUse));
    const end = await endedIn(setup, begun.ImportArn);
    expect(end).toMatchObject({
      ImportStatus: 'COMPLETED',
      EndTime: expect.any(Date),
      ProcessedItemCount: 3,
      ImportedItemCount: 3,
      ErrorCount: 0,
    });
    expect(await itemsOf(setup.dynamo, name)).toEqual(items);
    await setup.dynamo.putItem({ TableName: name, Item: { p: { S: 'd' } } });
    const { Item: read } = await setup.dynamo.getItem({ TableName: name, Key: { p: { S: 'd' } } });
    expect(read).toEqual({ p: { S: 'd' } });
    const again = { ...input(name), ClientToken: begun.ClientToken };
    await expect(begin(again)).rejects.toMatchObject(
      refusal('ResourceInUseException', `Table already exists: ${name}`),
    );
    await setup.dynamo.deleteTable({ TableName: name });
    await untilGone(setup.dynamo, name);
    const { ImportSummaryList: listed } = await setup.dynamo.listImports({ TableArn: arnOf(name) });
    expect(listed).toEqual([
      {
        ImportArn: begun.ImportArn,
        ImportStatus: 'COMPLETED',
        TableArn: arnOf(name),
        S3BucketSource: { S3BucketOwner: account, S3Bucket, S3KeyPrefix: `${name}/` },
        CloudWatchLogGroupArn: `arn:aws:logs:${setup.region}:${account}:log-group:/aws-dynamodb/imports:*`,
        InputFormat: 'DYNAMODB_JSON',
        StartTime: begun.StartTime,
        EndTime: end.EndTime,
      },
    ]);
    expect((await begin(again)).ImportArn).toBe(begun.ImportArn);
    const other = { ...input(setup.newName()), ClientToken: begun.ClientToken };
    await expect(begin(other)).rejects.toMatchObject(
      refusal(
        'ImportConflictException',
        'Import conflict: Duplicate request detected with conflicting parameters',
      ),
    );
  });

  test('pages of imports', async () => {
    const names = [setup.newName(), setup.newName()];
    for (const name of names) {
      upload(name, []);
      await endedIn(setup, (await begin(input(name))).ImportArn);
    }
    const first = await setup.dynamo.listImports({ PageSize: 1 });
    expect(first.ImportSummaryList?.map(({ TableArn: arn }) => arn)).toEqual([arnOf(names[1] ?? '')]);
    expect(first.NextToken).toMatch(/^([0-9a-f]{16}){7,}$/);
    const second = await setup.dynamo.listImports({ PageSize: 1, NextToken: first.NextToken });
    expect(second.ImportSummaryList?.map(({ TableArn: arn }) => arn)).toEqual([arnOf(names[0] ?? '')]);
    const NextToken = first.NextToken;
    await expect(setup.dynamo.listExports({ NextToken })).rejects.toMatchObject(
      invalid(`Invalid Request: Provided nextToken is invalid: ${NextToken}`),
    );
  });

  test('what is refused', async () => {
    const TableName = setup.newName();
    const { TableCreationParameters: parameters } = input(TableName);
    const at = (member: string, value: string) =>
      `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must`;
    const { BillingMode: _none, ...unbilled } = parameters ?? {};
    const cases: [object, string | RegExp][] = [
      [
        { InputCompressionType: 'BZIP2' },
        `${at('inputCompressionType', 'BZIP2')} satisfy enum value set: [ZSTD, NONE, GZIP]`,
      ],
      [{ S3BucketSource: { S3Bucket: '-nope!' } }, /at 's3BucketSource\.s3Bucket' failed/],
      [
        { S3BucketSource: { S3Bucket, S3KeyPrefix: 'p'.repeat(1025) } },
        /at 's3BucketSource\.s3KeyPrefix' failed/,
      ],
      [
        { TableCreationParameters: { ...parameters, TableName: 'a!' } },
        /at 'tableCreationParameters\.tableName' failed/,
      ],
      [
        { InputFormat: 'CSV', InputFormatOptions: { Csv: { Delimiter: ';;' } } },
        /^2 validation errors detected: Value ';;' at 'inputFormatOptions.csv.delimiter' failed to satisfy constraint: Member must satisfy regular expression pattern: \[,;/,
      ],
      [
        { InputFormatOptions: { Csv: { Delimiter: ';' } } },
        'Invalid Request: Unsupported InputFormatOptions for the given input format: DYNAMODB_JSON.',
      ],
      [
        { TableCreationParameters: unbilled },
        'One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED',
      ],
      [
        {
          TableCreationParameters: {
            ...parameters,
            AttributeDefinitions: [{ AttributeName: 'x', AttributeType: 'S' }],
          },
        },
        /AttributeDefinitions/,
      ],
      [{ ClientToken: 'a$' }, /clientToken/],
    ];
    for (const [more, message] of cases)
      await expect(begin({ ...input(TableName), ...more }), JSON.stringify(more)).rejects.toMatchObject(
        invalid(message),
      );
    const taken = await setup.table();
    await expect(begin(input(taken))).rejects.toMatchObject(
      refusal('ResourceInUseException', `Table already exists: ${taken}`),
    );
  });

  test('imports that there are not', async () => {
    const describe = (ImportArn: string) => setup.dynamo.describeImport({ ImportArn });
    const missing = `${arnOf('music')}/import/01791506414432-3f2e5aa4`;
    await expect(describe(missing)).rejects.toMatchObject({ name: 'ImportNotFoundException' });
    for (const arn of [arnOf('music'), missing.replace('/import/', '/export/'), 'x'.repeat(40)])
      await expect(describe(arn)).rejects.toMatchObject(invalid('Invalid Import ARN'));
    await expect(setup.dynamo.listImports({ NextToken: '0'.repeat(112) })).rejects.toMatchObject(
      invalid(/Provided nextToken is invalid/),
    );
  });
});

async function endedIn(setup: Setup, ImportArn: string | undefined): Promise<ImportTableDescription> {
  const describe = async () =>
    (await setup.dynamo.describeImport({ ImportArn })).ImportTableDescription ?? {};
  await expect.poll(async () => (await describe()).ImportStatus, waiting).not.toBe('IN_PROGRESS');
  return describe();
}
