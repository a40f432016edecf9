import { canonicalItem, type Item } from '../../protocol/attribute-value.ts';
import type { Request } from '../../protocol/backend.ts';
import { Substitutions } from '../../protocol/expression/substitutions.ts';
import { applyUpdate, bindUpdate, type Update } from '../../protocol/expression/update.ts';
import { bindLegacyWrite } from '../../protocol/legacy/write.ts';
import type { UpdateItemInput } from '../../protocol/operation.ts';
import { ItemJson, Reply } from '../../protocol/reply.ts';
import { validateUpdateItem } from '../../protocol/validate/write.ts';
import type { Table } from '../table-descriptions.ts';
import { parseItem } from './cached-item.ts';
import { isObject } from './key-reader.ts';
import type { WriteTarget } from './write-targets.ts';

/** An item before or after a write: undefined where it is known that there is none. */
export type Image = Item | undefined | 'unknown';

export interface Images {
  readonly oldItem: Image;
  readonly newItem: Image;
}

/** A write as it is sent: of one item, with what costs nothing to be told besides what its caller asks for. */
export interface AskedWrite {
  readonly request: Request;
  /** Whether the answer has attributes that the caller did not ask for. */
  readonly isAsked: boolean;
}

/**
 * The item before a write tells which partitions of global indexes it leaves; the item after an update can be kept.
 * Both are free of charge (AWS: API_UpdateItem, "There is no additional cost associated with requesting a return
 * value"). What the caller wants to see is not touched.
 */
export function askForImages(request: Request, table: Table): AskedWrite {
  const { operation, input } = request;
  const returned = input.ReturnValues ?? 'NONE';
  const hasGlobalIndex = table.indexes.some(({ isGlobal }) => isGlobal);
  const wanted = hasGlobalIndex ? 'ALL_OLD' : 'ALL_NEW';
  const isAskable = operation === 'UpdateItem' || (hasGlobalIndex && oldItemTold.has(operation));
  if (!isAskable || returned !== 'NONE') return { request, isAsked: false };
  return { request: { ...request, input: { ...input, ReturnValues: wanted } }, isAsked: true };
}

const oldItemTold: ReadonlySet<string> = new Set(['PutItem', 'DeleteItem']);

/** The answer that the caller asked for. */
export function answerAsAsked({ isAsked }: AskedWrite, reply: Reply): Reply {
  if (!isAsked) return reply;
  const { Attributes: _attributes, ...output } = reply.output;
  return new Reply(output);
}

/** What a write of one item found and left, as far as the request and its reply tell. */
export function imagesOf({ operation, input }: Request, target: WriteTarget, reply: Reply): Images {
  const oldItem = input.ReturnValues === 'ALL_OLD' ? itemIn(reply.output.Attributes) : 'unknown';
  if (operation !== 'UpdateItem') return { oldItem, newItem: imageLeft(target) };
  if (input.ReturnValues === 'ALL_NEW') return { oldItem, newItem: itemIn(reply.output.Attributes) };
  return { oldItem, newItem: oldItem === 'unknown' ? 'unknown' : updated(input, oldItem) };
}

/** What one write of several leaves: nobody tells what was there before. */
export function imagesUntold(target: WriteTarget): Images {
  return { oldItem: 'unknown', newItem: imageLeft(target) };
}

function imageLeft({ kind, attributes }: WriteTarget): Image {
  if (kind === 'delete') return undefined;
  return kind === 'put' ? orUnknown(() => canonicalItem(attributes as Item)) : 'unknown';
}

/** The write is done: what the store says of it, however odd, must not keep its fence from being lowered. */
function itemIn(attributes: unknown): Image {
  if (attributes === undefined || attributes === null) return undefined;
  const item = attributes instanceof ItemJson ? parseItem(attributes) : attributes;
  return isObject(item) ? orUnknown(() => canonicalItem(item as Item)) : 'unknown';
}

/**
 * The update is carried out here once more, on the item that the store says it was carried out on. Where there was none
 * and nothing is set, DynamoDB makes none; others make one of the key alone, which is what is taken to be there.
 */
function updated(input: Request['input'], old: Item | undefined): Image {
  return orUnknown(() => {
    const checked = validateUpdateItem(input);
    const update = updateIn(checked);
    const before = old ?? checked.Key;
    if (update === undefined) return before;
    return applyUpdate(update, before, old === undefined);
  });
}

function updateIn(input: UpdateItemInput): Update | undefined {
  const legacy = bindLegacyWrite(input);
  if (legacy !== undefined) return legacy.update;
  const {
    UpdateExpression: text,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  } = input;
  return text === undefined ? undefined : bindUpdate(text, new Substitutions(names, values));
}

/** A store may take what DynamoDB refuses. */
function orUnknown(image: () => Image): Image {
  try {
    return image();
  } catch {
    return 'unknown';
  }
}
