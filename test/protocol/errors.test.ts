import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as errors from '../../protocol/errors.ts';
import { DynamoDbError, errorBody, errorKinds } from '../../protocol/errors.ts';

const api = 'com.amazonaws.dynamodb.v20120810';
const reasons = [{ reason: 'TableReadProvisionedThroughputExceeded', resource: 'arn:aws:dynamodb:...' }];

describe('the JSON body of an error', () => {
  test.each([
    [
      errors.validationError('Bad'),
      { __type: 'com.amazon.coral.validate#ValidationException', message: 'Bad' },
    ],
    [
      errors.serializationError('Unexpected field type'),
      { __type: 'com.amazon.coral.service#SerializationException', Message: 'Unexpected field type' },
    ],
    [errors.serializationError(), { __type: 'com.amazon.coral.service#SerializationException' }],
    [errors.unknownOperation(), { __type: 'com.amazon.coral.service#UnknownOperationException' }],
    [
      errors.resourceNotFound(),
      { __type: `${api}#ResourceNotFoundException`, message: 'Requested resource not found' },
    ],
    [
      errors.tableNotFound('music'),
      {
        __type: `${api}#ResourceNotFoundException`,
        message: 'Requested resource not found: Table: music not found',
      },
    ],
    [
      errors.tableAlreadyExists('music'),
      { __type: `${api}#ResourceInUseException`, message: 'Table already exists: music' },
    ],
    [
      errors.conditionalCheckFailed(),
      { __type: `${api}#ConditionalCheckFailedException`, message: 'The conditional request failed' },
    ],
    [
      errors.conditionalCheckFailed({ id: { S: 'a' } }),
      {
        __type: `${api}#ConditionalCheckFailedException`,
        message: 'The conditional request failed',
        Item: { id: { S: 'a' } },
      },
    ],
    [
      errors.transactionCanceled([{ Code: 'None' }, { Code: 'ConditionalCheckFailed', Message: 'No' }]),
      {
        __type: `${api}#TransactionCanceledException`,
        Message:
          'Transaction cancelled, please refer cancellation reasons for specific reasons ' +
          '[None, ConditionalCheckFailed]',
        CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed', Message: 'No' }],
      },
    ],
    [
      errors.throttling('Rate exceeded', reasons),
      { __type: `${api}#ThrottlingException`, message: 'Rate exceeded', throttlingReasons: reasons },
    ],
    [
      errors.limitExceeded('There is a limit of 2500 tables per subscriber'),
      {
        __type: `${api}#LimitExceededException`,
        message: 'Subscriber limit exceeded: There is a limit of 2500 tables per subscriber',
      },
    ],
    [
      errors.missingAuthenticationToken(),
      {
        __type: 'com.amazon.coral.service#MissingAuthenticationTokenException',
        message: 'Request is missing Authentication Token',
      },
    ],
  ])('%s', (error, body) => {
    expect(errorBody(error)).toEqual(body);
  });

  test('carries the reasons of throttling under the spelling of its code', () => {
    expect(errorBody(errors.provisionedThroughputExceeded(reasons))).toMatchObject({
      ThrottlingReasons: reasons,
    });
    expect(errorBody(errors.requestLimitExceeded(reasons))).toMatchObject({ ThrottlingReasons: reasons });
    expect(errorBody(errors.provisionedThroughputExceeded())).not.toHaveProperty('ThrottlingReasons');
  });

  test('passes on a code that is not in the catalogue, and one that objects know', () => {
    const strange = new DynamoDbError('ReplicatedWriteConflictException', 'Try again');
    expect(errorBody(strange)).toEqual({
      __type: `${api}#ReplicatedWriteConflictException`,
      message: 'Try again',
    });
    expect(errorBody(new DynamoDbError('constructor', 'x'))).toEqual({
      __type: `${api}#constructor`,
      message: 'x',
    });
  });
});

describe('the catalogue', () => {
  test('faults of the server are 5xx, refused web pages 403, all others 400', () => {
    expect(errors.accessDenied('no').status).toBe(403);
    expect(errors.internalServerError().status).toBe(500);
    expect(errors.serviceUnavailable('closing').status).toBe(503);
    expect(errors.resourceNotFound().status).toBe(400);
  });

  test('every code has a constructor that makes it', () => {
    const made = Object.values(errors).flatMap(codeMadeBy);
    expect(new Set(made)).toEqual(new Set(Object.keys(errorKinds)));
  });

  test('docs/errors.md shows exactly the catalogue', () => {
    const namespaces = {
      api,
      service: 'com.amazon.coral.service',
      validate: 'com.amazon.coral.validate',
      availability: 'com.amazon.coral.availability',
    };
    const documented = documentedRows().map(([code, namespace, status, retried, textMember]) => [
      code,
      {
        namespace: namespaces[namespace as keyof typeof namespaces],
        status: Number(status),
        retried: retried === 'yes',
        textMember,
      },
    ]);
    expect(Object.fromEntries(documented)).toEqual(errorKinds);
    expect(documented.map(([code]) => code)).toEqual(Object.keys(errorKinds));
  });
});

/** The constructors of the catalogue take a text, a list or nothing. */
function codeMadeBy(value: unknown): string[] {
  if (typeof value !== 'function' || value === DynamoDbError || value === errorBody) return [];
  const made: unknown = value === errors.transactionCanceled ? value([]) : value();
  return made instanceof DynamoDbError ? [made.code] : [];
}

function documentedRows(): string[][] {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
