import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkDataDirectory } from '../../engine/check.ts';
import { Engine } from '../../engine/engine.ts';
import { TestEngine } from './engine-harness.ts';

/* Bytes change on the disk while nobody looks. What is damaged is named and never served. */

let folder: TestEngine;

beforeEach(async () => {
  folder = await TestEngine.open();
  await folder.createTable('Things', 'N');
  for (let n = 0; n < 20; n++) {
    await folder.call('PutItem', {
      TableName: 'Things',
      Item: { p: { S: 'p' }, s: { N: String(n) }, text: { S: `text number ${n}.` } },
    });
  }
});

afterEach(() => folder.remove());

/** Changes the one place of a file where the text stands. @returns the place. */
function change(path: string, text: string, replacement: string): number {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(text);
  expect(at).toBeGreaterThanOrEqual(0);
  bytes.write(replacement, at, 'latin1');
  writeFileSync(path, bytes);
  return at;
}

function getItem(n: number): Promise<{ Item?: { text: { S: string } } }> {
  return folder.call('GetItem', { TableName: 'Things', Key: { p: { S: 'p' }, s: { N: String(n) } } });
}

describe('a sound folder', () => {
  test('passes the check, with what the log has and LMDB lacks', async () => {
    await folder.engine.close();
    const { summary, problems } = await checkDataDirectory(folder.directory);
    expect(problems).toEqual([]);
    expect(summary.join('\n')).toMatch(/table Things: 20 items/);
  });

  test('cannot be checked while it is in use', async () => {
    await expect(checkDataDirectory(folder.directory)).rejects.toMatchObject({
      code: 'DATA_DIRECTORY_IN_USE',
    });
  });

  test('cannot be opened twice', async () => {
    const options = { dataDirectory: folder.directory } as never;
    await expect(Engine.open(options)).rejects.toThrow(
      /in use by process \d+ on .* Stop it, or choose another folder/,
    );
  });
});

describe('a changed value in LMDB', () => {
  beforeEach(async () => {
    await folder.engine.close();
    change(join(folder.directory, 'state', 'data.mdb'), 'text number 7.', 'text number 8.');
    await folder.reopen();
  });

  test('is never served, and the items around it are', async () => {
    await expect(getItem(7)).rejects.toThrow(
      /damaged data: the item at key [0-9a-f]+: its checksum is wrong/,
    );
    expect((await getItem(6)).Item?.text.S).toBe('text number 6.');
    await expect(folder.call('Scan', { TableName: 'Things' })).rejects.toThrow(/damaged data/);
  });

  test('is not built upon', async () => {
    const key = { p: { S: 'p' }, s: { N: '7' } };
    const update = { TableName: 'Things', Key: key, UpdateExpression: 'REMOVE nothing' };
    await expect(folder.call('UpdateItem', update)).rejects.toThrow(/damaged data/);
  });

  test('is named by the check', async () => {
    await folder.engine.close();
    const { problems } = await checkDataDirectory(folder.directory);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/checksum is wrong/);
  });
});

describe('a changed key of an index entry', () => {
  const indexes = ['first', 'second'].map((name) => ({
    IndexName: `by-${name}`,
    KeySchema: [
      { AttributeName: 'g', KeyType: 'HASH' },
      { AttributeName: name, KeyType: 'RANGE' },
    ],
    Projection: { ProjectionType: 'ALL' },
  }));

  function query(by: string, above: string): Promise<{ Count: number }> {
    return folder.call('Query', {
      TableName: 'Indexed',
      IndexName: `by-${by}`,
      KeyConditionExpression: 'g = :g AND #by > :above',
      ExpressionAttributeNames: { '#by': by },
      ExpressionAttributeValues: { ':g': { S: 'g' }, ':above': { S: above } },
    });
  }

  test('keeps the item out of pages where it does not belong, be it in memory or not', async () => {
    await folder.call('CreateTable', {
      TableName: 'Indexed',
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      AttributeDefinitions: ['p', 'g', 'first', 'second'].map((AttributeName) => ({
        AttributeName,
        AttributeType: 'S',
      })),
      BillingMode: 'PAY_PER_REQUEST',
      GlobalSecondaryIndexes: indexes,
    });
    await folder.untilStatus('Indexed', 'ACTIVE');
    for (const n of [1, 5, 9]) {
      const Item = {
        p: { S: `p${n}` },
        g: { S: 'g' },
        first: { S: `first ${n}` },
        second: { S: `second ${n}` },
      };
      await folder.call('PutItem', { TableName: 'Indexed', Item });
    }
    await folder.engine.close();
    change(join(folder.directory, 'state', 'data.mdb'), 'second 5\0\x01', 'second 8\0\x01');
    await folder.reopen();
    await expect(query('second', 'second 6')).rejects.toThrow(/damaged data/);
    for (let reading = 0; reading < 3; reading++) expect((await query('first', 'first 0')).Count).toBe(3);
    await expect(query('second', 'second 6')).rejects.toThrow(/damaged data/);
    expect((await query('second', 'second 8x')).Count).toBe(1);
  });
});

describe('a changed byte in the log', () => {
  /** A folder whose log has everything, and whose LMDB has nothing yet. */
  async function onlyTheLog(): Promise<string> {
    await folder.engine.close();
    const copy = join(folder.directory, 'copy');
    cpSync(join(folder.directory, 'log'), join(copy, 'log'), { recursive: true });
    return copy;
  }

  function logFileIn(directory: string): string {
    const [name] = readdirSync(join(directory, 'log'));
    return join(directory, 'log', name as string);
  }

  test('does no harm as long as nothing has changed', async () => {
    const copy = await TestEngine.open({ dataDirectory: await onlyTheLog() });
    const { Count } = await copy.call<{ Count: number }>('Scan', { TableName: 'Things' });
    expect(Count).toBe(20);
    await copy.remove();
  });

  test('stops the start, naming file and offset, where it was acknowledged', async () => {
    const copy = await onlyTheLog();
    const path = logFileIn(copy);
    const at = change(path, 'text number 7.', 'text number 8.');
    const opened = TestEngine.open({ dataDirectory: copy });
    await expect(opened).rejects.toThrow(path);
    const offset = Number(
      /offset (\d+)/.exec((await opened.catch((error: Error) => error.message)) as string)?.[1],
    );
    expect(offset).toBeGreaterThan(at - 1000);
    expect(offset).toBeLessThan(at);
  });

  test('is named by the check', async () => {
    await folder.engine.close();
    const path = logFileIn(folder.directory);
    change(path, 'text number 7.', 'text number 8.');
    const { problems } = await checkDataDirectory(folder.directory);
    expect(problems.join('\n')).toContain(path);
  });
});

describe('a folder of a version that is not known', () => {
  test('is refused with both versions', async () => {
    await folder.engine.close();
    writeFileSync(join(folder.directory, 'format.json'), '{"slipstream":"data","version":99}');
    await expect(Engine.open({ dataDirectory: folder.directory } as never)).rejects.toThrow(
      /format 99.*knows formats 1 to 5/,
    );
    writeFileSync(join(folder.directory, 'format.json'), '{"slipstream":"data","version":1}');
  });
});
