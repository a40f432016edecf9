import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ExportDescription, ExportTableToPointInTimeInput } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { switchOffRecovery, switchOnRecovery, waiting } from './history.ts';
import { describeSetups, invalid, refusal, type Setup } from './setups.ts';

const account = '000000000000';
const S3Bucket = 'exports';

async function begin(
  setup: Setup,
  TableArn: string,
  more: Partial<ExportTableToPointInTimeInput> = {},
): Promise<ExportDescription> {
  const { ExportDescription: begun } = await setup.dynamo.exportTableToPointInTime({
    TableArn,
    S3Bucket,
    ...more,
  });
  return begun ?? {};
}

async function ended(setup: Setup, ExportArn: string | undefined): Promise<ExportDescription> {
  const describe = async () => (await setup.dynamo.describeExport({ ExportArn })).ExportDescription ?? {};
  await expect.poll(async () => (await describe()).ExportStatus, waiting).not.toBe('IN_PROGRESS');
  return describe();
}

describeSetups((setup) => {
  const arnOf = (name: string) => `arn:aws:dynamodb:${setup.region}:${account}:table/${name}`;

  async function recoverable(): Promise<string> {
    const name = await setup.table();
    await switchOnRecovery(setup.dynamo, name);
    mkdirSync(join(setup.dataDirectory, 'buckets', S3Bucket), { recursive: true });
    return name;
  }

  test('an export begins, ends and is listed', async () => {
    const name = await recoverable();
    for (let i = 0; i < 3; i++) await setup.dynamo.putItem({ TableName: name, Item: { p: { S: `p${i}` } } });
    const { Table: table } = await setup.dynamo.describeTable({ TableName: name });
    const begun = await begin(setup, arnOf(name));
    expect(begun).toEqual({
      ExportArn: expect.stringMatching(/\/export\/[0-9]{14}-[0-9a-f]{8}$/),
      ExportStatus: 'IN_PROGRESS',
      StartTime: expect.any(Date),
      TableArn: arnOf(name),
      TableId: table?.TableId,
      ExportTime: begun.StartTime,
      ClientToken: expect.any(String),
      S3Bucket,
      S3SseAlgorithm: 'AES256',
      ExportFormat: 'DYNAMODB_JSON',
    });
    const end = await ended(setup, begun.ExportArn);
    expect(end).toEqual({
      ...begun,
      ExportStatus: 'COMPLETED',
      EndTime: expect.any(Date),
      ExportManifest: expect.stringMatching(/^AWSDynamoDB\/[0-9]{14}-[0-9a-f]{8}\/manifest-summary\.json$/),
      ItemCount: 3,
      BilledSizeBytes: 9,
    });
    const file = (key: string) => readFileSync(join(setup.dataDirectory, 'buckets', S3Bucket, key));
    const { manifestFilesS3Key: list } = JSON.parse(`${file(end.ExportManifest ?? '')}`);
    const lines = `${file(list)}`
      .trim()
      .split('\n')
      .map((line) => gunzipSync(file(JSON.parse(line).dataFileS3Key)).toString());
    expect(lines.join('').trim().split('\n').sort()).toEqual(
      ['p0', 'p1', 'p2'].map((p) => `{"Item":{"p":{"S":"${p}"}}}`),
    );
    const second = await begin(setup, arnOf(name), { ExportType: 'FULL_EXPORT' });
    expect(second.ExportType).toBe('FULL_EXPORT');
    const { ExportSummaries: all } = await setup.dynamo.listExports({ TableArn: arnOf(name) });
    expect(all?.map(({ ExportArn: arn }) => arn)).toEqual([second.ExportArn, begun.ExportArn]);
    expect(all?.[1]).toEqual({
      ExportArn: begun.ExportArn,
      ExportStatus: 'COMPLETED',
      ExportType: 'FULL_EXPORT',
    });
    const first = await setup.dynamo.listExports({ TableArn: arnOf(name), MaxResults: 1 });
    expect(first.ExportSummaries).toHaveLength(1);
    const rest = await setup.dynamo.listExports({ TableArn: arnOf(name), NextToken: first.NextToken });
    expect(rest.ExportSummaries).toEqual([all?.[1]]);
    expect(rest.NextToken).toBeUndefined();
    await setup.dynamo.deleteTable({ TableName: name });
    await expect
      .poll(async () => (await setup.dynamo.listExports({ TableArn: arnOf(name) })).ExportSummaries, waiting)
      .toEqual([]);
    expect(await ended(setup, begun.ExportArn)).toEqual(end);
  });

  test('a token stands for one request', async () => {
    const name = await recoverable();
    const ClientToken = setup.newName();
    const first = await begin(setup, arnOf(name), { ClientToken });
    expect((await begin(setup, arnOf(name), { ClientToken })).ExportArn).toBe(first.ExportArn);
    await ended(setup, first.ExportArn);
    expect((await begin(setup, arnOf(name), { ClientToken })).ExportArn).toBe(first.ExportArn);
    for (const more of [{ ExportFormat: 'ION' as const }, { S3Prefix: 'x' }, { S3Bucket: 'other-bucket' }]) {
      await expect(begin(setup, arnOf(name), { ClientToken, ...more })).rejects.toMatchObject(
        refusal(
          'ExportConflictException',
          'Export conflict: Duplicate request detected with conflicting parameters',
        ),
      );
    }
    const fromOther = begin(setup, arnOf(await recoverable()), { ClientToken });
    await expect(fromOther).rejects.toMatchObject({ name: 'ExportConflictException' });
  });

  test('what is refused before table and history are looked at', async () => {
    const arn = arnOf('no-such-table');
    const at = (member: string, value: string) =>
      `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must`;
    const specification = { ExportFromTime: new Date(0) };
    const cases: [Partial<ExportTableToPointInTimeInput>, string | RegExp][] = [
      [
        { ExportFormat: 'CSV' as 'ION' },
        `${at('exportFormat', 'CSV')} satisfy enum value set: [ION, DYNAMODB_JSON]`,
      ],
      [
        { S3Bucket: 'arn:aws:s3:::x' },
        /at 's3Bucket' failed to satisfy constraint: Member must satisfy regular/,
      ],
      [
        { S3BucketOwner: 'nobody' },
        `${at('s3BucketOwner', 'nobody')} satisfy regular expression pattern: [0-9]{12}`,
      ],
      [{ ClientToken: 'a$b' }, /at 'clientToken' failed to satisfy constraint/],
      [{ TableArn: 'music' }, 'One or more parameter values were invalid: tableArn is not a valid ARN'],
      [{ TableArn: `${arn}/index/x` }, 'Invalid Request: Table ARN is invalid.'],
      [{ S3SseKmsKeyId: 'key' }, 'Invalid Request: KMS Key Id is not supported for this encryption type'],
      [
        { S3SseAlgorithm: 'AES256', S3SseKmsKeyId: 'key' },
        'Invalid Request: KMS Key Id is not supported for this encryption type',
      ],
      [{ S3SseAlgorithm: 'KMS' }, 'S3SseAlgorithm KMS is not supported where buckets are folders'],
      [
        { IncrementalExportSpecification: specification },
        'Invalid Request: Export Type expected to be Incremental Export when incremental export specification is provided',
      ],
      [
        { ExportType: 'FULL_EXPORT', IncrementalExportSpecification: specification },
        'Invalid Request: When Export Type is Full Export , Incremental Export Specification should not be provided',
      ],
      [
        { ExportType: 'INCREMENTAL_EXPORT' },
        'Invalid Request: Incremental Export Specification expected when export type is set as Incremental Export',
      ],
      [
        { ExportType: 'INCREMENTAL_EXPORT', IncrementalExportSpecification: {} },
        'Invalid Request: ExportFromTime must be provided in IncrementalExportSpecification',
      ],
    ];
    for (const [more, message] of cases)
      await expect(begin(setup, arn, more), JSON.stringify(more)).rejects.toMatchObject(invalid(message));
  });

  test('what is refused of a table and its history', async () => {
    const off = await setup.table();
    const notFound = (arn: string) => refusal('TableNotFoundException', `Table not found: ${arn}`);
    await expect(begin(setup, arnOf('no-such-table'))).rejects.toMatchObject(
      notFound(arnOf('no-such-table')),
    );
    const elsewhere = arnOf(off).replace(setup.region, 'ap-south-1');
    await expect(begin(setup, elsewhere)).rejects.toMatchObject(notFound(elsewhere));
    await expect(begin(setup, arnOf(off).replace(account, '123456789012'))).rejects.toMatchObject(
      refusal('AccessDeniedException', 'Access is denied'),
    );
    await expect(begin(setup, arnOf(off))).rejects.toMatchObject(
      refusal(
        'PointInTimeRecoveryUnavailableException',
        `Point in time recovery is not enabled for table '${off}'`,
      ),
    );
    const on = await recoverable();
    const hourMs = 3_600_000;
    for (const ms of [Date.now() + hourMs, Date.now() - hourMs]) {
      await expect(begin(setup, arnOf(on), { ExportTime: new Date(ms) })).rejects.toMatchObject(
        refusal('InvalidExportTimeException', 'Export Time is invalid'),
      );
    }
    const whole = (ms: number) => new Date(Math.floor(ms / 1000) * 1000);
    const text = (time: Date) => time.toISOString().replace('.000Z', 'Z');
    const [before, now, later] = [-1, 0, 1].map((hours) => whole(Date.now() + hours * hourMs)) as [
      Date,
      Date,
      Date,
    ];
    const { Table: table } = await setup.dynamo.describeTable({ TableName: on });
    const created = whole(table?.CreationDateTime?.getTime() ?? 0);
    const period = 'Incremental export period';
    const difference = 'Difference between export period from time and export period to time';
    const cases: [{ ExportFromTime: Date; ExportToTime?: Date }, string][] = [
      [
        { ExportFromTime: before },
        `${period} from time cannot be less than the table creation time : ${text(before)}`,
      ],
      [
        { ExportFromTime: created, ExportToTime: later },
        `${period} to time cannot be greater than the current time : ${text(later)}`,
      ],
      [{ ExportFromTime: created }, `${difference} is less than 15 minutes`],
      [{ ExportFromTime: now, ExportToTime: created }, `${difference} is less than 15 minutes`],
    ];
    for (const [specification, message] of cases) {
      const asked = begin(setup, arnOf(on), {
        ExportType: 'INCREMENTAL_EXPORT',
        IncrementalExportSpecification: specification,
      });
      await expect(asked).rejects.toMatchObject(refusal('InvalidExportTimeException', message));
    }
    await switchOffRecovery(setup.dynamo, on);
    await expect(begin(setup, arnOf(on))).rejects.toMatchObject({
      name: 'PointInTimeRecoveryUnavailableException',
    });
  });

  test('exports that there are not', async () => {
    const describe = (ExportArn: string) => setup.dynamo.describeExport({ ExportArn });
    const missing = `${arnOf('music')}/export/01791506414432-3f2e5aa4`;
    await expect(describe(missing)).rejects.toMatchObject(
      refusal('ExportNotFoundException', `Export not found: Export not found: ${missing}`),
    );
    await expect(describe(missing.replace(setup.region, 'ap-south-1'))).rejects.toMatchObject(
      refusal('ExportNotFoundException', 'Export not found: Invalid export arn'),
    );
    for (const arn of [arnOf('music'), missing.replace('/export/', '/import/'), 'x'.repeat(40)])
      await expect(describe(arn)).rejects.toMatchObject(invalid('Invalid Export ARN'));
    await expect(describe(missing.replace(account, '123456789012'))).rejects.toMatchObject(
      refusal('AccessDeniedException', 'Access is denied'),
    );
    await expect(setup.dynamo.listExports({ NextToken: '00' })).rejects.toMatchObject(
      invalid('Invalid Request: Provided nextToken is invalid: 00'),
    );
    await expect(setup.dynamo.listExports({ MaxResults: 26 })).rejects.toMatchObject(invalid(/maxResults/));
  });
});
