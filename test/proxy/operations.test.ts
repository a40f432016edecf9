import { describe, expect, it } from 'vitest';
import { operations } from '../../protocol/operation.ts';
import { effectOf, tablesChanged } from '../../proxy/operations.ts';

describe('the list of operations', () => {
  it('has every operation of the API', () => {
    expect(operations.filter((operation) => effectOf(operation, {}) === 'unlisted')).toEqual([]);
  });

  it('takes nothing for granted that is not on it', () => {
    for (const name of ['', 'getItem', 'PutItems', 'constructor', '__proto__']) {
      expect(effectOf(name, {})).toBe('unlisted');
      expect(tablesChanged(name, { TableName: 'items' })).toBe('all');
    }
  });

  it.each([
    ['CreateTable', { TableName: 'items' }, ['items']],
    ['RestoreTableToPointInTime', { SourceTableName: 'items', TargetTableName: 'copy' }, ['copy']],
    ['ImportTable', { TableCreationParameters: { TableName: 'items' } }, ['items']],
    ['ImportTable', {}, 'all'],
    ['DeleteTable', { TableName: 5 }, 'all'],
    ['BatchWriteItem', { RequestItems: { items: [], others: [] } }, ['items', 'others']],
    ['BatchWriteItem', { RequestItems: null }, 'all'],
    [
      'TransactWriteItems',
      {
        TransactItems: [
          { Put: { TableName: 'items', Item: {} } },
          { Delete: { TableName: 'others', Key: {} } },
          { Update: { TableName: 'items', Key: {} } },
          { ConditionCheck: { TableName: 'checked', Key: {} } },
        ],
      },
      ['items', 'others'],
    ],
    ['TransactWriteItems', { TransactItems: [{ Replace: { TableName: 'items' } }] }, 'all'],
    ['TransactWriteItems', { TransactItems: 'none' }, 'all'],
    ['StartBulkPutItems', { TableName: 'items' }, 'all'],
  ])('knows which tables are changed: %s %j', (operation, input, tables) => {
    expect(tablesChanged(operation, input)).toEqual(tables);
  });
});
