import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeSetups } from './setups.ts';
import { Watch } from './watch.ts';
import { type Answer, Wire } from './wire.ts';

/** Far more than any of these requests needs, and far less than one that takes its time with every parenthesis. */
const answerMsMax = 5_000;

const surfaces = [
  ['PutItem', 'ConditionExpression'],
  ['DeleteItem', 'ConditionExpression'],
  ['UpdateItem', 'ConditionExpression'],
  ['UpdateItem', 'UpdateExpression'],
  ['GetItem', 'ProjectionExpression'],
  ['BatchGetItem', 'ProjectionExpression'],
  ['Query', 'KeyConditionExpression'],
  ['Query', 'FilterExpression'],
  ['Query', 'ProjectionExpression'],
  ['Scan', 'FilterExpression'],
  ['Scan', 'ProjectionExpression'],
] as const;

type Surface = (typeof surfaces)[number];

describeSetups((setup) => {
  const wire = new Wire(setup);
  let watch: Watch;
  beforeAll(async () => {
    watch = await Watch.over(setup);
  });
  afterAll(async () => {
    await watch.check();
    wire.close();
  });

  /** The answer to an operation on the watched table with this expression, and these values if any. */
  async function expressed(
    [operation, parameter]: Surface,
    expression: string,
    values?: object,
  ): Promise<Answer> {
    const TableName = watch.tableName;
    const Key = { p: { S: 'p9' }, s: { N: '9' } };
    const text = { [parameter]: expression, ...(values && { ExpressionAttributeValues: values }) };
    const inputs: Record<Surface[0], object> = {
      PutItem: { TableName, Item: Key, ...text },
      DeleteItem: { TableName, Key, ...text },
      UpdateItem: { TableName, Key, ...text },
      GetItem: { TableName, Key, ...text },
      BatchGetItem: { RequestItems: { [TableName]: { Keys: [Key], ...text } } },
      Query:
        parameter === 'KeyConditionExpression'
          ? { TableName, ...text }
          : {
              TableName,
              KeyConditionExpression: 'p = :p',
              ...text,
              ExpressionAttributeValues: { ':p': { S: 'p9' }, ...values },
            },
      Scan: { TableName, ...text },
    };
    const startedMs = performance.now();
    const answer = await wire.call(operation, inputs[operation]);
    expect(performance.now() - startedMs).toBeLessThan(answerMsMax);
    return answer;
  }

  describe.each(surfaces.map((surface) => ({ surface, name: surface.join(' ') })))('$name', ({ surface }) => {
    const [, parameter] = surface;
    const values = { ':v': { S: 'v' } };
    afterAll(() => watch.check());

    test.each([
      ['parentheses around one another', '('.repeat(2000) + ')'.repeat(2000)],
      ['parentheses around a condition', `${'('.repeat(2000)}a = :v${')'.repeat(2000)}`],
      ['parentheses that do not close', '('.repeat(4096)],
      ['parentheses that do not open', ')'.repeat(4096)],
      ['parentheses side by side', '()'.repeat(2000)],
      ['brackets', `a${'[0]'.repeat(1000)}`],
      ['brackets in one another', `a${'['.repeat(2000)}${']'.repeat(2000)}`],
      ['dots', `a${'.a'.repeat(2000)}`],
      ['dots alone', '.'.repeat(4000)],
      ['calls in one another', `${'size('.repeat(700)}a${')'.repeat(700)}`],
      ['unclosed calls', 'begins_with('.repeat(300)],
      ['negations', `${'NOT '.repeat(1000)}a = :v`],
      ['negations in parentheses', `${'NOT ('.repeat(600)}a = :v${')'.repeat(600)}`],
      ['many alternatives', `${'a=:v OR '.repeat(400)}a=:v`],
      ['alternating operators', `${'a=:v OR b=:v AND '.repeat(200)}a=:v`],
      ['an endless list', `a IN (${':v,'.repeat(1300)}:v)`],
      ['commas', ','.repeat(4000)],
      ['an index without end', `a[${'9'.repeat(4000)}]`],
      ['a name without end', '#'.repeat(4000)],
      ['a long word', 'x'.repeat(4000)],
      ['white space', ' \t\n'.repeat(1300)],
      ['nothing', ''],
      ['control characters', '\u0000\u0001\u001f'],
      ['emoji', 'a = 😀'],
      ['a comment', 'a = :v -- b'],
      ['a string', "a = 'v'"],
      ['too much', 'a'.repeat(4097)],
    ])('of %s', async (name, expression) => {
      const answer = await expressed(surface, expression, values);
      const isProjectionOfName = parameter === 'ProjectionExpression' && name === 'a long word';
      if (isProjectionOfName) return;
      expect(answer).toMatchObject({ status: 400, error: 'ValidationException' });
    });
  });

  test.each([
    ['superfluous parentheses', '((a = :v))', 'The expression has redundant parentheses;'],
    [
      '301 operators',
      `${'a=:v OR '.repeat(150)}a=:v`,
      'The expression contains too many operators; operator count: 301',
    ],
    [
      '101 operands of IN',
      `a IN (${':v,'.repeat(100)}:v)`,
      'The IN operator is provided with too many operands; number of operands: 101',
    ],
    [
      '4,097 bytes',
      `${'x'.repeat(4092)} = :v`,
      'Expression size has exceeded the maximum allowed size; expression size: 4097',
    ],
  ])('%s are told', async (_name, expression, text) => {
    expect(await expressed(['Scan', 'FilterExpression'], expression, { ':v': { S: 'v' } })).toMatchObject({
      error: 'ValidationException',
      message: `Invalid FilterExpression: ${text}`,
    });
  });

  test.each([
    ['300 operators', `${'a=:v OR '.repeat(149)}NOT a=:v`],
    ['100 operands of IN', `a IN (${':v,'.repeat(99)}:v)`],
    ['4,096 bytes', `${'x'.repeat(4091)} = :v`],
  ])('%s are fine', async (_name, expression) => {
    const answer = await expressed(['Scan', 'FilterExpression'], expression, { ':v': { S: 'v' } });
    expect(answer).toMatchObject({ status: 200 });
  });

  test('a filter on what is not there finds nothing', async () => {
    const values = { ':v': { S: 'v' } };
    for (const expression of [
      'a = :v',
      'a < b',
      'a.b[3] > :v',
      'size(a) > size(b)',
      'a BETWEEN b AND c',
      'a IN (b, :v)',
      'contains(a, :v)',
      'begins_with(a, b)',
    ]) {
      const used = expression.includes(':v') ? values : undefined;
      const { status, body } = await expressed(['Scan', 'FilterExpression'], expression, used);
      expect([expression, status, JSON.parse(body).Count]).toEqual([expression, 200, 0]);
    }
  });

  test('searching one long text for another takes no longer for their likeness', async () => {
    const TableName = await setup.table();
    const text = 'a'.repeat(200_000);
    await setup.dynamo.putItem({
      TableName,
      Item: { p: { S: 'a' }, text: { S: text }, bytes: { B: Buffer.from(text) } },
    });
    const startedMs = performance.now();
    const { Count } = await setup.dynamo.scan({
      TableName,
      FilterExpression: 'contains(#t, :s) OR contains(#b, :b)',
      ExpressionAttributeNames: { '#t': 'text', '#b': 'bytes' },
      ExpressionAttributeValues: {
        ':s': { S: `${'a'.repeat(100_000)}b` },
        ':b': { B: Buffer.from(`b${'a'.repeat(100_000)}`) },
      },
    });
    expect(Count).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(answerMsMax);
  });

  test('whatever is written, the answer is no fault of the server', async () => {
    const words = fc.constantFrom(
      ...[
        'a',
        'b.c',
        'd[1]',
        '#n',
        '#m',
        ':v',
        ':w',
        '=',
        '<>',
        '<',
        '>=',
        '(',
        ')',
        ',',
        '[',
        ']',
        '.',
        '+',
        '-',
      ],
      ...[
        'AND',
        'OR',
        'NOT',
        'BETWEEN',
        'IN',
        'SET',
        'REMOVE',
        'ADD',
        'DELETE',
        'size',
        'list_append',
        'if_not_exists',
      ],
      ...[
        'contains',
        'begins_with',
        'attribute_exists',
        'attribute_type',
        'select',
        '0',
        '007',
        '\u00a0',
        'é',
      ],
    );
    const expressions = fc.array(words, { maxLength: 16 }).map((parts) => parts.join(' '));
    const property = fc.asyncProperty(
      fc.constantFrom(...surfaces),
      expressions,
      async (surface, expression) => {
        const { status, error } = await expressed(surface, expression, {
          ':v': { N: '1' },
          ':w': { SS: ['x'] },
        });
        expect(
          status === 200 || error === 'ValidationException' || error === 'ConditionalCheckFailedException',
        ).toBe(true);
      },
    );
    await fc.assert(property, { numRuns: 400 });
    await setup.dynamo.deleteItem({ TableName: watch.tableName, Key: { p: { S: 'p9' }, s: { N: '9' } } });
  });

  test('a batch of nothing is refused, and names where nothing stands', async () => {
    const table = watch.tableName;
    const nullAt = (path: string) =>
      `1 validation error detected: Value null at '${path}' failed to satisfy constraint: Member must not be null`;
    const bodies: [object, string | undefined][] = [
      [{ RequestItems: null }, nullAt('requestItems')],
      [{ RequestItems: { [table]: null } }, undefined],
      [{ RequestItems: { [table]: [null] } }, undefined],
      [{ RequestItems: { [table]: [{}] } }, undefined],
      [{ RequestItems: { [table]: [{ PutRequest: null }] } }, undefined],
      [{ RequestItems: { [table]: [{ PutRequest: null, DeleteRequest: null }] } }, undefined],
      [
        { RequestItems: { [table]: [{ PutRequest: {} }] } },
        nullAt(`requestItems.${table}.member.1.member.putRequest.item`),
      ],
      [
        { RequestItems: { [table]: [{ DeleteRequest: { Key: null } }] } },
        nullAt(`requestItems.${table}.member.1.member.deleteRequest.key`),
      ],
      [{ RequestItems: { [table]: [{ PutRequest: { Item: { p: null } } }] } }, undefined],
      [{ RequestItems: { [table]: [{ PutRequest: { Item: { p: { S: null } } } }] } }, undefined],
      [{ RequestItems: { [table]: [{ PutRequest: { Item: { p: { L: [null] } } } }] } }, undefined],
    ];
    for (const [input, message] of bodies) {
      const answer = await wire.call('BatchWriteItem', input);
      expect([input, answer.status, answer.error]).toEqual([input, 400, 'ValidationException']);
      if (message !== undefined) expect(answer.message).toBe(message);
    }
  });
});
