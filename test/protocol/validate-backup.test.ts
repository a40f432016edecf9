import { describe, expect, test } from 'vitest';
import { validateCreateBackup, validateListBackups } from '../../protocol/validate/backup.ts';
import { isBackupId, readBackupArn } from '../../protocol/validate/backup-arn.ts';
import {
  validateDescribeContinuousBackups,
  validateUpdateContinuousBackups,
} from '../../protocol/validate/continuous-backups.ts';
import {
  readSourceTableArn,
  validateRestoreTableFromBackup,
  validateRestoreTableToPointInTime,
} from '../../protocol/validate/restore.ts';
import { refusal } from './refusal.ts';

type Members = Record<string, unknown>;

const validation = 'ValidationException:';
const missing = 'failed to satisfy constraint: Member must not be null';
const arn = 'arn:aws:dynamodb:us-east-1:000000000000:table/music/backup/01791504762511-2779fadd';

describe('CreateBackup', () => {
  test.each<[string, Members, string]>([
    ['the least', {}, 'accepted'],
    ['an ARN', { TableName: 'arn:aws:dynamodb:us-east-1:000000000000:table/music' }, 'accepted'],
    [
      'no table',
      { TableName: null },
      `${validation} The parameter 'TableName' is required but was not present in the request`,
    ],
    [
      'no name',
      { BackupName: null },
      `${validation} 1 validation error detected: Value null at 'backupName' ${missing}`,
    ],
    [
      'a short name',
      { BackupName: 'ab' },
      `${validation} 1 validation error detected: Value 'ab' at 'backupName' failed to satisfy constraint: ` +
        'Member must have length greater than or equal to 3',
    ],
    [
      'a name that is not a string',
      { BackupName: 1 },
      'SerializationException: NUMBER_VALUE cannot be converted to String',
    ],
  ])('%s', (_, members, expected) => {
    expect(
      refusal(() => validateCreateBackup({ TableName: 'music', BackupName: 'nightly', ...members })),
    ).toBe(expected);
  });
});

describe('ListBackups', () => {
  test.each<[string, Members, string]>([
    ['nothing', {}, 'accepted'],
    ['moments with fractions', { TimeRangeLowerBound: 1.5, TimeRangeUpperBound: 1.5 }, 'accepted'],
    [
      'a moment as text',
      { TimeRangeLowerBound: '2026-11-24T00:00:00Z' },
      'SerializationException: STRING_VALUE cannot be converted to Date',
    ],
    [
      'a moment as a list',
      { TimeRangeLowerBound: [] },
      'SerializationException: Unrecognized collection type class java.util.Date',
    ],
    [
      'too many, of an unknown type',
      { Limit: 101, BackupType: 'user' },
      `${validation} 2 validation errors detected: Value 'user' at 'backupType' failed to satisfy constraint: ` +
        "Member must satisfy enum value set: [SYSTEM, AWS_BACKUP, ALL, USER]; Value '101' at 'limit' failed to satisfy " +
        'constraint: Member must have value less than or equal to 100',
    ],
    ['a cursor', { ExclusiveStartBackupArn: arn }, 'accepted'],
    [
      'a cursor of another region',
      { ExclusiveStartBackupArn: arn.replace('us-east-1', 'eu-west-1') },
      `${validation} Invalid Request: The supplied ExclusiveStartBackupArn does not match the region`,
    ],
  ])('%s', (_, input, expected) => {
    expect(refusal(() => validateListBackups(input, 'us-east-1'))).toBe(expected);
  });
});

describe('the ARN of a backup', () => {
  test.each([
    [arn, 'accepted'],
    [arn.replace('us-east-1', 'local'), 'accepted'],
    [arn.replace('2779fadd', '2779FADD'), `${validation} Invalid Request: BackupArn is not valid`],
    [arn.replace('01791504762511', '1791504762511'), `${validation} Invalid Request: BackupArn is not valid`],
    [arn.replace('aws', 'aws-cn'), `${validation} Invalid Request: BackupArn is not valid`],
    [arn.replace('dynamodb', 's3'), `${validation} Invalid Request: BackupArn is not valid`],
    [arn.replace('us-east-1', ''), 'AccessDeniedException: Access is denied'],
    [arn.replace('000000000000', '123456789012'), 'AccessDeniedException: Access is denied'],
    [arn.replace('/backup/01791504762511-2779fadd', ''), `${validation} Invalid Backup ARN`],
    [`${arn}/more`, `${validation} Invalid Backup ARN`],
    ['backup', `${validation} Invalid Backup ARN`],
  ])('%s', (text, expected) => {
    expect(refusal(() => readBackupArn(text))).toBe(expected);
  });

  test('its parts', () => {
    expect(readBackupArn(arn)).toEqual({
      region: 'us-east-1',
      tableName: 'music',
      id: '01791504762511-2779fadd',
    });
    expect(isBackupId('..')).toBe(false);
  });
});

describe('UpdateContinuousBackups and DescribeContinuousBackups', () => {
  const update = (specification: unknown) =>
    refusal(() =>
      validateUpdateContinuousBackups({
        TableName: 'music',
        PointInTimeRecoverySpecification: specification,
      }),
    );

  test.each<[unknown, string]>([
    [{ PointInTimeRecoveryEnabled: true }, 'accepted'],
    [{ PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 35 }, 'accepted'],
    [{ PointInTimeRecoveryEnabled: false }, 'accepted'],
    [
      {},
      `${validation} 1 validation error detected: Value null at ` +
        `'pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled' ${missing}`,
    ],
    [
      null,
      `${validation} 1 validation error detected: Value null at 'pointInTimeRecoverySpecification' ${missing}`,
    ],
    [
      { PointInTimeRecoveryEnabled: false, RecoveryPeriodInDays: 35 },
      `${validation} Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.`,
    ],
    [
      { PointInTimeRecoveryEnabled: false, RecoveryPeriodInDays: 36 },
      `${validation} 1 validation error detected: Value '36' at 'pointInTimeRecoverySpecification.recoveryPeriodInDays' ` +
        'failed to satisfy constraint: Member must have value less than or equal to 35',
    ],
  ])('%j', (specification, expected) => {
    expect(update(specification)).toBe(expected);
  });

  test('a table has to be named', () => {
    const expected = `${validation} The parameter 'TableName' is required but was not present in the request`;
    expect(refusal(() => validateDescribeContinuousBackups({}))).toBe(expected);
    expect(refusal(() => validateUpdateContinuousBackups({}))).toBe(expected);
  });
});

describe('restores', () => {
  const fromBackup = (members: Members) =>
    refusal(() => validateRestoreTableFromBackup({ BackupArn: arn, TargetTableName: 'copy', ...members }));
  const toMoment = (members: Members) =>
    refusal(() => validateRestoreTableToPointInTime({ TargetTableName: 'copy', ...members }));
  const source = { SourceTableName: 'music', UseLatestRestorableTime: true };

  test.each<[string, Members, string]>([
    ['the least', {}, 'accepted'],
    ['no overrides at all', { SSESpecificationOverride: {}, VectorIndexOverride: [] }, 'accepted'],
    [
      'a target by its ARN',
      { TargetTableName: 'arn:aws:dynamodb:us-east-1:000000000000:table/copy' },
      `${validation} 1 validation error detected: Value 'arn:aws:dynamodb:us-east-1:000000000000:table/copy' at ` +
        "'targetTableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
    ],
    [
      'nothing',
      { BackupArn: null, TargetTableName: null },
      `${validation} 2 validation errors detected: Value null at 'backupArn' ${missing}; ` +
        `Value null at 'targetTableName' ${missing}`,
    ],
    [
      'an unknown mode',
      { BillingModeOverride: 'BOGUS' },
      `${validation} 1 validation error detected: Value 'BOGUS' at 'billingModeOverride' failed to satisfy constraint: ` +
        'Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]',
    ],
    [
      'a key of one’s own',
      { SSESpecificationOverride: { Enabled: true, SSEType: 'KMS' } },
      `${validation} SSESpecificationOverride is not supported by this version of Slipstream`,
    ],
    [
      'vector indexes',
      { VectorIndexOverride: [{}] },
      `${validation} VectorIndexOverride is not supported by this version of Slipstream`,
    ],
  ])('from a backup: %s', (_, members, expected) => {
    expect(fromBackup(members)).toBe(expected);
  });

  test.each<[string, Members, string]>([
    ['the latest', source, 'accepted'],
    [
      'a moment',
      { SourceTableName: 'music', RestoreDateTime: 1.5, UseLatestRestorableTime: false },
      'accepted',
    ],
    [
      'a source by its ARN under the name',
      { ...source, SourceTableName: 'arn:aws:dynamodb:us-east-1:000000000000:table/music' },
      `${validation} 1 validation error detected: Value 'arn:aws:dynamodb:us-east-1:000000000000:table/music' at ` +
        "'sourceTableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
    ],
    [
      'no source, no moment: the source',
      {},
      `${validation} The parameter 'TableName' is required but was not present in the request`,
    ],
    [
      'a latest that is false',
      { ...source, UseLatestRestorableTime: false },
      `${validation} Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, ` +
        'but not both',
    ],
  ])('to a moment: %s', (_, members, expected) => {
    expect(toMoment(members)).toBe(expected);
  });

  test('where a source table lies', () => {
    const table = 'arn:aws:dynamodb:eu-west-1:000000000000:table/music';
    expect(readSourceTableArn(table)).toEqual({ region: 'eu-west-1', tableName: 'music' });
    for (const text of [`${table}/stream/x`, arn, table.replace('aws', 'aws-cn')]) {
      expect(refusal(() => readSourceTableArn(text))).toBe(`${validation} sourceTableArn is not a valid ARN`);
    }
  });
});
