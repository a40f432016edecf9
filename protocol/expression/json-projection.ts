import type { Item } from '../attribute-value.ts';
import { type ItemJson, PartJson } from '../reply.ts';
import type { PathTree } from './paths.ts';
import { type Projection, projectItem } from './projection.ts';

/**
 * The projected parts of an item, like `projectItem`, from JSON to JSON: attributes that are asked for whole are copied as they
 * stand there, and the others are passed over. A parser would make values of all of them, for several times the cost.
 *
 * JSON is read as Latin-1: a character for each byte, which costs nothing to make. All that the scan looks at is ASCII, and
 * bytes beyond are copied as they are.
 * @param item its JSON as `JSON.stringify` makes it of an item, which every stored and cached one is. Anything else gives
 *   something or throws SyntaxError.
 */
export function projectJson(projection: Projection, item: ItemJson): PartJson {
  const json = item.json.toString('latin1');
  const wanted = wantedNames(projection);
  let whole = '';
  let inParts = '';
  let missing = wanted.size;
  for (let at = 1; missing > 0 && json.charCodeAt(at) === quote; ) {
    const nameEnd = stringEnd(json, at);
    const end = isScalar(json, nameEnd)
      ? stringEnd(json, nameEnd + scalarTextAt) + 1
      : valueEnd(json, nameEnd + 1);
    const below = wanted.get(json.slice(at + 1, nameEnd - 1));
    if (below !== undefined) {
      missing--;
      const member = `,${json.slice(at, end)}`;
      if (below.leaf === undefined) inParts += member;
      else whole += member;
    }
    at = end + 1;
  }
  const members = inParts === '' ? whole : whole + partsOf(projection, inParts);
  return new PartJson(Buffer.from(`{${members.slice(1)}}`, 'latin1'));
}

/** The names below the projection as the scan finds them: as JSON has them, between quotes. */
function wantedNames({ names }: Projection): ReadonlyMap<string, PathTree<true>> {
  if (names === undefined) return nothing;
  for (const name of names.keys()) {
    if (!plainName.test(name)) return new Map(Array.from(names, ([one, below]) => [inJson(one), below]));
  }
  return names;
}

const nothing: ReadonlyMap<string, PathTree<true>> = new Map();

/** Names that stand in JSON as they are. */
const plainName = /^[\w.-]*$/;

function inJson(name: string): string {
  return latin1(JSON.stringify(name).slice(1, -1));
}

/** @param members a comma before each. @returns what is asked for of them, in the same form. */
function partsOf(projection: Projection, members: string): string {
  const item = JSON.parse(Buffer.from(`{${members.slice(1)}}`, 'latin1').toString()) as Item;
  const parts = latin1(JSON.stringify(projectItem(projection, item))).slice(1, -1);
  return parts === '' ? '' : `,${parts}`;
}

/** A character for each byte in UTF-8. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/**
 * Whether an S, N or B follows the name, as does mostly: nothing else has a string behind a type of one letter.
 * @param nameEnd where `:{"S":"text"}` would begin.
 */
function isScalar(json: string, nameEnd: number): boolean {
  return (
    json.charCodeAt(nameEnd + scalarTextAt - 2) === quote && json.charCodeAt(nameEnd + scalarTextAt) === quote
  );
}

/** @returns where the JSON goes on behind the value that begins at `start`, a map. */
function valueEnd(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; ) {
    const code = json.charCodeAt(at);
    if (code === quote) {
      at = stringEnd(json, at);
      continue;
    }
    at++;
    if (code === openingBrace || code === openingBracket) depth++;
    else if ((code === closingBrace || code === closingBracket) && --depth === 0) return at;
  }
  throw new SyntaxError('the JSON of an item ends too early');
}

/** @returns where the JSON goes on behind the string that begins at `start`. */
function stringEnd(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(json, end)) end = json.indexOf('"', end + 1);
  if (end < 0) throw new SyntaxError('the JSON of an item ends within a string');
  return end + 1;
}

/** Behind an odd number of backslashes. */
function isEscaped(json: string, at: number): boolean {
  let first = at;
  while (json.charCodeAt(first - 1) === backslash) first--;
  return (at - first) % 2 === 1;
}

/** Where the text begins in `:{"S":"text"}`. */
const scalarTextAt = 6;

const quote = 0x22;
const openingBrace = 0x7b;
const closingBrace = 0x7d;
const openingBracket = 0x5b;
const closingBracket = 0x5d;
const backslash = 0x5c;
