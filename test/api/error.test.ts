import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBServiceException,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { describeSetups, type Item, invalid, invalidWrite, schemaOf } from './setups.ts';

describeSetups((setup) => {
  /** What a call that is refused is refused with. */
  async function refusalOf(call: Promise<unknown>): Promise<unknown> {
    return call.then(
      () => 'nothing',
      (error: unknown) => error,
    );
  }

  test('errors are the exceptions that the SDK has for them', async () => {
    const TableName = await setup.sharedTable();
    const Key = { p: { S: setup.newName() } };
    const { dynamo } = setup;
    const calls: [unknown, () => Promise<unknown>][] = [
      [ResourceNotFoundException, () => dynamo.getItem({ TableName: 'no-such-table', Key })],
      [
        ResourceInUseException,
        () => dynamo.createTable({ TableName, BillingMode: 'PAY_PER_REQUEST', ...schemaOf({}) }),
      ],
      [
        ConditionalCheckFailedException,
        () => dynamo.deleteItem({ TableName, Key, ConditionExpression: 'attribute_exists(p)' }),
      ],
      [DynamoDBServiceException, () => dynamo.getItem({ TableName, Key: {} })],
    ];
    for (const [exception, call] of calls) {
      const error = await refusalOf(call());
      expect(error).toBeInstanceOf(exception);
      expect(error).toMatchObject({
        $fault: 'client',
        $metadata: { httpStatusCode: 400, requestId: expect.stringMatching(/^[0-9A-Z]{52}$/) },
      });
    }
  });

  test('what is wrong with a request is told before what is wrong with its table', async () => {
    const missing = { TableName: 'no-such-table' };
    await expect(setup.dynamo.putItem({ ...missing, Item: { p: { N: 'x' } } })).rejects.toMatchObject(
      invalidWrite('The parameter cannot be converted to a numeric value: x'),
    );
    await expect(
      setup.dynamo.getItem({ ...missing, Key: { p: { S: 'a' } }, ProjectionExpression: 'a b' }),
    ).rejects.toMatchObject(invalid('Invalid ProjectionExpression: Syntax error; token: "b", near: "a b"'));
    await expect(setup.dynamo.scan({ ...missing, FilterExpression: 'a = :v' })).rejects.toMatchObject(
      invalid(/^Invalid FilterExpression: An expression attribute value used in expression is not defined/),
    );
  });

  describe('what is wrong with a value', () => {
    const twice: AttributeValue = { NS: ['2', '1', '2.0'] };
    const older = 'Input collection contains duplicates';
    const newer = `One or more parameter values were invalid: ${older}.`;
    const Key = { p: { S: 'a' } };
    const values = { ':v': twice };
    const item = { ...Key, v: twice };
    const update = { Key, UpdateExpression: 'SET v = :v', ExpressionAttributeValues: values };
    const filter = { FilterExpression: 'v = :v', ExpressionAttributeValues: values };

    test.each<[string, string, (TableName: string) => Promise<unknown>]>([
      [
        'an item of PutItem',
        `1 validation error detected: ${newer}`,
        (TableName) => setup.dynamo.putItem({ TableName, Item: item }),
      ],
      [
        'UpdateItem',
        `1 validation error detected: ${newer}`,
        (TableName) => setup.dynamo.updateItem({ TableName, ...update }),
      ],
      ['a key of GetItem', newer, (TableName) => setup.dynamo.getItem({ TableName, Key: { p: twice } })],
      [
        'a filter of Query',
        newer,
        (TableName) =>
          setup.dynamo.query({
            TableName,
            KeyConditionExpression: 'p = :p',
            ...filter,
            ExpressionAttributeValues: { ':p': { S: 'a' }, ...values },
          }),
      ],
      [
        'a filter of Scan',
        `ExpressionAttributeValues contains invalid value: ${older} for key :v`,
        (TableName) => setup.dynamo.scan({ TableName, ...filter }),
      ],
      [
        'an item of BatchWriteItem',
        older,
        (TableName) =>
          setup.dynamo.batchWriteItem({ RequestItems: { [TableName]: [{ PutRequest: { Item: item } }] } }),
      ],
      [
        'an item of TransactWriteItems',
        older,
        (TableName) =>
          setup.dynamo.transactWriteItems({ TransactItems: [{ Put: { TableName, Item: item } }] }),
      ],
      [
        'an update of TransactWriteItems',
        `ExpressionAttributeValues contains invalid value: ${older} for key :v`,
        (TableName) =>
          setup.dynamo.transactWriteItems({ TransactItems: [{ Update: { TableName, ...update } }] }),
      ],
      [
        'a key of TransactGetItems',
        older,
        (TableName) =>
          setup.dynamo.transactGetItems({ TransactItems: [{ Get: { TableName, Key: { p: twice } } }] }),
      ],
    ])('in %s has its own words', async (_place, message, call) => {
      await expect(call(await setup.sharedTable())).rejects.toMatchObject(invalid(message));
    });
  });

  test('what is nested far too deep is told of in older words', async () => {
    const missing = { TableName: 'no-such-table', Key: { p: { S: 'a' } } };
    const condition = (levels: number) => ({
      ConditionExpression: 'd = :deep',
      ExpressionAttributeValues: { ':deep': nested(levels) },
    });
    const remove = (levels: number, ReturnValues: string) =>
      setup.dynamo.deleteItem({
        ...missing,
        ...condition(levels),
        ReturnValues: ReturnValues as 'NONE',
      });
    await expect(remove(62, 'SOME')).rejects.toMatchObject(
      invalidWrite(
        'Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]',
      ),
    );
    await expect(remove(63, 'SOME')).rejects.toMatchObject(
      invalid(
        "1 validation error detected: Value 'SOME' at 'returnValues' failed to satisfy constraint: " +
          'Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]',
      ),
    );
    await expect(remove(63, 'UPDATED_NEW')).rejects.toMatchObject(
      invalid('ReturnValues can only be ALL_OLD or NONE'),
    );
    const put = setup.dynamo.putItem({
      TableName: 'no-such-table',
      Item: { p: { S: 'a' } },
      Expected: { a: { Value: nested(63) }, b: { Exists: false } },
      ConditionalOperator: 'XOR' as 'OR',
    });
    await expect(put).rejects.toMatchObject(
      invalid(
        "1 validation error detected: Value 'XOR' at 'conditionalOperator' failed to satisfy constraint: " +
          'Member must satisfy enum value set: [OR, AND]',
      ),
    );
  });

  test('all that breaks the bounds of members is told at once', async () => {
    const call = setup.dynamo.query({
      TableName: 'ab',
      Select: 'NOTHING' as 'COUNT',
      ReturnConsumedCapacity: 'SOME' as 'TOTAL',
      KeyConditionExpression: 'p = :p',
    });
    await expect(call).rejects.toMatchObject(
      invalid(
        "3 validation errors detected: Value 'NOTHING' at 'select' failed to satisfy constraint: Member must satisfy " +
          'enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]; ' +
          "Value 'SOME' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: " +
          "[INDEXES, TOTAL, NONE]; Value 'ab' at 'tableName' failed to satisfy constraint: " +
          'Member must have length greater than or equal to 3',
      ),
    );
  });

  describe('expressions', () => {
    interface Expressions {
      readonly ConditionExpression?: string;
      readonly ExpressionAttributeNames?: Record<string, string>;
      readonly ExpressionAttributeValues?: Item;
    }

    test.each<[string, Expressions, string]>([
      [
        'an unused name',
        { ConditionExpression: 'attribute_exists(a)', ExpressionAttributeNames: { '#b': 'b' } },
        'Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}',
      ],
      [
        'an unused value',
        { ConditionExpression: 'attribute_exists(a)', ExpressionAttributeValues: { ':b': { S: 'b' } } },
        'Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}',
      ],
      [
        'an undefined name',
        { ConditionExpression: 'attribute_exists(#a)' },
        'Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #a',
      ],
      [
        'an undefined value',
        { ConditionExpression: 'a = :a' },
        'Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :a',
      ],
      [
        'no names',
        { ConditionExpression: 'attribute_exists(a)', ExpressionAttributeNames: {} },
        'ExpressionAttributeNames must not be empty',
      ],
      [
        'no values',
        { ConditionExpression: 'attribute_exists(a)', ExpressionAttributeValues: {} },
        'ExpressionAttributeValues must not be empty',
      ],
      [
        'a placeholder that is none',
        { ConditionExpression: 'attribute_exists(a)', ExpressionAttributeNames: { a: 'a' } },
        'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"',
      ],
      [
        'names without an expression',
        { ExpressionAttributeNames: { '#a': 'a' } },
        'ExpressionAttributeNames can only be specified when using expressions',
      ],
      [
        'values without an expression',
        { ExpressionAttributeValues: { ':a': { S: 'a' } } },
        'ExpressionAttributeValues can only be specified when using expressions',
      ],
      [
        'nothing',
        { ConditionExpression: '' },
        'Invalid ConditionExpression: The expression can not be empty;',
      ],
      [
        'a reserved word',
        { ConditionExpression: 'attribute_exists(name)' },
        'Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: name',
      ],
      [
        'an unknown function',
        { ConditionExpression: 'exists(a)' },
        'Invalid ConditionExpression: Invalid function name; function: exists',
      ],
      [
        'one operand twice',
        { ConditionExpression: 'contains(a, a)' },
        'Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator ' +
          'or function; operator: contains, first operand: [a]',
      ],
      [
        'a value that is none',
        { ConditionExpression: 'a = :a', ExpressionAttributeValues: { ':a': { N: 'x' } } },
        'The parameter cannot be converted to a numeric value: x',
      ],
      [
        'superfluous parentheses',
        { ConditionExpression: '((attribute_exists(a)))' },
        'Invalid ConditionExpression: The expression has redundant parentheses;',
      ],
    ])('with %s are refused', async (_name, expressions, message) => {
      const TableName = await setup.sharedTable();
      const call = setup.dynamo.putItem({ TableName, Item: { p: { S: 'e' } }, ...expressions });
      await expect(call).rejects.toMatchObject(invalidWrite(message));
    });

    test('take placeholders of 255 bytes, and no more', async () => {
      const TableName = await setup.sharedTable();
      const put = (length: number) => {
        const reference = `#${'n'.repeat(length - 1)}`;
        return setup.dynamo.putItem({
          TableName,
          Item: { p: { S: setup.newName() } },
          ConditionExpression: `attribute_not_exists(${reference})`,
          ExpressionAttributeNames: { [reference]: 'a' },
        });
      };
      await put(255);
      await expect(put(256)).rejects.toMatchObject(
        invalid(
          /^1 validation error detected: ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that is too long; size of key: 256$/,
        ),
      );
    });

    test('take values of two megabytes together, and no more', async () => {
      const TableName = await setup.sharedTable();
      const values = Object.fromEntries(
        Array.from({ length: 6 }, (_, i) => [`:v${i}`, { S: `${i}`.repeat(409_000) }]),
      );
      const scan = (count: number) => {
        const used = Object.keys(values).slice(0, count);
        return setup.dynamo.scan({
          TableName,
          FilterExpression: `a IN (${used.join()})`,
          ExpressionAttributeValues: Object.fromEntries(
            used.map((name) => [name, values[name] ?? { S: '' }]),
          ),
          Limit: 1,
        });
      };
      await scan(5);
      await expect(scan(6)).rejects.toMatchObject(invalid('ExpressionAttributeValues exceeds max size'));
    });

    test('do not go together with what came before them', async () => {
      const TableName = await setup.sharedTable();
      const call = setup.dynamo.putItem({
        TableName,
        Item: { p: { S: 'e' } },
        Expected: { p: { Exists: false } },
        ConditionExpression: 'attribute_not_exists(p)',
      });
      await expect(call).rejects.toMatchObject(
        invalidWrite(
          'Can not use both expression and non-expression parameters in the same request: ' +
            'Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}',
        ),
      );
    });
  });
});

/** A string in so many maps. */
function nested(levels: number): AttributeValue {
  let value: AttributeValue = { S: 'leaf' };
  for (let i = 0; i < levels; i++) value = { M: { n: value } };
  return value;
}
