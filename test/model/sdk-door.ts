import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { type Answer, errorOf } from './outcome.ts';
import type { WireRequest } from './printer.ts';
import type { Door } from './world.ts';

/** The way in that applications take. */
export function sdkDoor(name: string, client: DynamoDBClient): Door {
  return { name, call: (request) => send(client, request) };
}

async function send(client: DynamoDBClient, request: WireRequest): Promise<Answer> {
  try {
    const { $metadata: _, ...output } = await client.send(newCommand(request));
    return { json: JSON.stringify(toJson(output)) };
  } catch (error) {
    if (!(error instanceof DynamoDBServiceException)) throw error;
    return { error: errorOf(error.name, error.message, toJson({ ...error }) as Record<string, unknown>) };
  }
}

const commands = {
  BatchGetItem: BatchGetItemCommand,
  BatchWriteItem: BatchWriteItemCommand,
  CreateTable: CreateTableCommand,
  DeleteItem: DeleteItemCommand,
  DeleteTable: DeleteTableCommand,
  DescribeTable: DescribeTableCommand,
  GetItem: GetItemCommand,
  PutItem: PutItemCommand,
  Query: QueryCommand,
  Scan: ScanCommand,
  TransactGetItems: TransactGetItemsCommand,
  TransactWriteItems: TransactWriteItemsCommand,
  UpdateItem: UpdateItemCommand,
  UpdateTable: UpdateTableCommand,
  UpdateTimeToLive: UpdateTimeToLiveCommand,
};

/** The commands differ in the types of their inputs only, of which a printed request knows nothing. */
function newCommand({ operation, input }: WireRequest): GetItemCommand {
  const Command = commands[operation as keyof typeof commands] as unknown as typeof GetItemCommand;
  return new Command(fromJson(input) as never);
}

/** The SDK has binary values as bytes. */
function fromJson(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((element) => fromJson(element, name));
  if (typeof value === 'string') return name === 'B' || name === 'BS' ? Buffer.from(value, 'base64') : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([member, content]) => [member, fromJson(content, member)]),
  );
}

function toJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([member, content]) => [member, toJson(content)]));
}
