import { createHash } from 'node:crypto';
import { joinKey, type KeyBytes, splitKey } from '../../../protocol/key.ts';

/**
 * Names in Redis. All names of one subject carry the same hash tag, so that a script may touch them together:
 *
 *     item          {table:partition key}   v value  t token  f fences  s:k settling   and the marker  i:k
 *     generation    {table:its name}        g its id  s:g settling                     and the marker  i:g
 *     page          {table:hash of name}    q value
 *     table         {table}                 e record                                   and the marker  i:e
 *     all tables    {*}                     e record                                   and the marker  i:e
 *     all proxies   {*}                     r who is alive   w the tables that one writes to
 *
 * No name has a comma, as Redis joins the names of an announcement by commas: bytes that are not plain are in base64url,
 * behind a tilde. Only markers lie under the tracked prefix: a drop writes and deletes its marker, and so is announced
 * even where there was nothing to drop, while what readers put is not announced.
 *
 * The prefix has the version of all this, and of what the steps do and the records have: programs of two versions use
 * nothing of each other, and hear nothing of each other either. That of the values' own bytes is in their stamps.
 */
export const namePrefix = 'slipstream:1:';

/** Redis announces writes of names that begin like this. */
export const trackedPrefix = `${namePrefix}i:`;

export interface ItemNames {
  readonly value: string;
  readonly token: string;
  readonly fences: string;
  /** Is there while the store may still answer with what was before a write. */
  readonly settling: string;
  readonly marker: string;
}

/** @param key as `canonicalKey` makes it. */
export function itemNames(tableId: string, key: KeyBytes): ItemNames {
  const { partition, sort } = splitKey(key);
  const subject = `{${ofText(tableId)}:${ofBytes(partition)}}${ofBytes(sort)}`;
  return {
    value: `${namePrefix}v:${subject}`,
    token: `${namePrefix}t:${subject}`,
    fences: `${namePrefix}f:${subject}`,
    settling: `${namePrefix}s:k:${subject}`,
    marker: `${trackedPrefix}k:${subject}`,
  };
}

export interface GenerationNames {
  readonly id: string;
  /** As of an item. */
  readonly settling: string;
  readonly marker: string;
}

export function generationNames(tableId: string, name: KeyBytes): GenerationNames {
  const subject = `{${ofText(tableId)}:${ofBytes(name)}}`;
  return {
    id: `${namePrefix}g:${subject}`,
    settling: `${namePrefix}s:g:${subject}`,
    marker: `${trackedPrefix}g:${subject}`,
  };
}

/** @param name any text; pages are told apart by its SHA-256. */
export function pageName(tableId: string, name: string): string {
  return `${namePrefix}q:{${ofText(tableId)}:${createHash('sha256').update(name).digest('base64url')}}`;
}

export interface RecordNames {
  readonly record: string;
  readonly marker: string;
}

/** @param tableId `everyTable` for the record of all tables. */
export function recordNames(tableId: string): RecordNames {
  const subject = tableId === everyTable ? '{*}' : `{${ofText(tableId)}}`;
  return { record: `${namePrefix}e:${subject}`, marker: `${trackedPrefix}e:${subject}` };
}

/** No table has this identity. */
export const everyTable = '';

/** The proxies, each with the time of its last sign of life. */
export const proxiesName = `${namePrefix}r:{*}`;

/** The tables that a proxy writes to. */
export function writtenTablesName(proxyId: string): string {
  return `${namePrefix}w:{*}${proxyId}`;
}

export type Subject =
  | { readonly kind: 'item'; readonly tableId: string; readonly key: KeyBytes }
  | { readonly kind: 'generation'; readonly tableId: string; readonly name: KeyBytes }
  | { readonly kind: 'table'; readonly tableId: string }
  | { readonly kind: 'everything' };

/** What a marker stands for; undefined for other names under the tracked prefix. */
export function readMarker(marker: string): Subject | undefined {
  const kind = marker.charAt(trackedPrefix.length);
  const begin = trackedPrefix.length + ':k{'.length;
  const end = marker.indexOf('}');
  if (end < begin || !marker.startsWith(':{', trackedPrefix.length + 1)) return undefined;
  const tag = marker.slice(begin, end);
  if (kind === 'e') return tag === '*' ? { kind: 'everything' } : { kind: 'table', tableId: textIn(tag) };
  const colon = tag.indexOf(':');
  if (colon < 0) return undefined;
  const tableId = textIn(tag.slice(0, colon));
  const name = bytesIn(tag.slice(colon + 1));
  if (kind === 'g') return { kind: 'generation', tableId, name };
  if (kind === 'k') return { kind: 'item', tableId, key: joinKey(name, bytesIn(marker.slice(end + 1))) };
  return undefined;
}

/** Most keys, and all TableIds, can be as they are; others have bytes that mean something in a name. */
const plain = /^[\w.-]*$/;

function ofText(text: string): string {
  return text !== '' && plain.test(text) ? text : `~${Buffer.from(text).toString('base64url')}`;
}

function textIn(name: string): string {
  return name.startsWith('~') ? Buffer.from(name.slice(1), 'base64url').toString() : name;
}

function ofBytes(bytes: KeyBytes): string {
  return plain.test(bytes) ? bytes : `~${Buffer.from(bytes, 'latin1').toString('base64url')}`;
}

function bytesIn(name: string): KeyBytes {
  return name.startsWith('~') ? Buffer.from(name.slice(1), 'base64url').toString('latin1') : name;
}
