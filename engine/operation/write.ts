import type { Item } from '../../protocol/attribute-value.ts';
import type { Request } from '../../protocol/backend.ts';
import { consumedCapacity } from '../../protocol/capacity.ts';
import { type Update, updatedAttributes } from '../../protocol/expression/update.ts';
import { bindLegacyWrite } from '../../protocol/legacy/write.ts';
import type { DeleteItemInput, PutItemInput, UpdateItemInput } from '../../protocol/operation.ts';
import { type ItemJson, type Output, Reply } from '../../protocol/reply.ts';
import { validateDeleteItem, validatePutItem, validateUpdateItem } from '../../protocol/validate/write.ts';
import { inEnvelope } from '../../protocol/wording.ts';
import { CollectionSizes } from '../item-collections.ts';
import type { Services } from '../services.ts';
import { type ItemCollectionMetrics, itemCollectionMetrics } from './item-collection-metrics.ts';
import {
  bindExpressions,
  evaluateWrite,
  type ItemWrite,
  planWrite,
  type WriteExpressions,
  type WriteResult,
} from './item-write.ts';

type WriteInput = PutItemInput | UpdateItemInput | DeleteItemInput;

/** AWS: API_PutItem. */
export function putItem(services: Services, request: Request): Promise<Reply> {
  const asked = inEnvelope(() => {
    const input = validatePutItem(request.input);
    return askedWrite(input, { kind: 'put', attributes: input.Item });
  });
  return submit(services, request, asked);
}

/** AWS: API_DeleteItem. */
export function deleteItem(services: Services, request: Request): Promise<Reply> {
  const asked = inEnvelope(() => {
    const input = validateDeleteItem(request.input);
    return askedWrite(input, { kind: 'delete', attributes: input.Key });
  });
  return submit(services, request, asked);
}

/** AWS: API_UpdateItem. */
export function updateItem(services: Services, request: Request): Promise<Reply> {
  const asked = inEnvelope(() => {
    const input = validateUpdateItem(request.input);
    return askedWrite(input, { kind: 'update', attributes: input.Key });
  });
  return submit(services, request, asked);
}

/** A request that is right in itself, before its table is looked at. */
interface AskedWrite {
  readonly input: WriteInput;
  readonly write: ItemWrite;
}

function askedWrite(input: WriteInput, target: Omit<ItemWrite, keyof WriteExpressions>): AskedWrite {
  return { input, write: { ...target, ...bindExpressions(input), ...bindLegacyWrite(input) } };
}

function submit(
  { catalog, committer, throughput, itemCollectionBytesMax }: Services,
  { region, origin }: Request,
  { input, write }: AskedWrite,
): Promise<Reply> {
  const planned = planWrite(write, catalog.serving(region, input.TableName));
  return committer.submit((context) => {
    const sizes = new CollectionSizes(context, itemCollectionBytesMax);
    const payment = { transactional: false, call: throughput.call() };
    const result = evaluateWrite(context, planned, payment, sizes);
    const metrics = itemCollectionMetrics(input.ReturnItemCollectionMetrics, sizes, planned);
    const changes = result.change === undefined ? [] : [result.change];
    return { changes, reply: writeReply(input, write.update, result, metrics) };
  }, origin);
}

function writeReply(
  input: WriteInput,
  update: Update | undefined,
  result: WriteResult,
  metrics: ItemCollectionMetrics | undefined,
): Reply {
  const output: Output = {};
  const attributes = returnedAttributes(input, update, result);
  if (attributes !== undefined) output.Attributes = attributes;
  const capacity = consumedCapacity(input.ReturnConsumedCapacity, input.TableName, result.units);
  if (capacity !== undefined) output.ConsumedCapacity = capacity;
  if (metrics !== undefined) output.ItemCollectionMetrics = metrics;
  const isEmpty = output.Attributes === undefined && capacity === undefined && metrics === undefined;
  return isEmpty ? emptyReply : new Reply(output);
}

/** Most writes are answered with it; its body and checksum are made once. */
const emptyReply = new Reply({});

/** What ReturnValues asks for; without an update expression nothing counts as updated. */
function returnedAttributes(
  { ReturnValues: values }: WriteInput,
  update: Update | undefined,
  { before, after }: WriteResult,
): ItemJson | Item | undefined {
  switch (values) {
    case 'ALL_OLD':
      return before.image;
    case 'ALL_NEW':
      return after.image;
    case 'UPDATED_OLD':
      return update && before.item && updatedAttributes(update, before.item);
    case 'UPDATED_NEW':
      return update && after.item && updatedAttributes(update, after.item);
    default:
      return undefined;
  }
}
