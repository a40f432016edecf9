/**
 * Native searching is fast but takes the product of both lengths at worst. Up to this many comparisons that is
 * quicker than building a table; an item of 400 KB and an expression value together can ask for 40 billion.
 */
const NATIVE_COMPARISONS_MAX = 1_000_000;

/** Whether `part` occurs in `text`, in time linear in their lengths. */
export function includes(text: string, part: string): boolean {
  const starts = text.length - part.length + 1;
  if (starts <= 0) return text === part;
  if (starts * part.length <= NATIVE_COMPARISONS_MAX) return text.includes(part);
  return includesLong(text, part);
}

/** The algorithm of Knuth, Morris and Pratt: no character of the text is looked at again once it has matched. */
function includesLong(text: string, part: string): boolean {
  const borders = borderLengths(part);
  let matched = 0;
  for (let i = 0; i < text.length; i++) {
    matched = extend(part, borders, matched, text.charCodeAt(i));
    if (matched === part.length) return true;
  }
  return false;
}

/** For every beginning of `part`, how long its longest proper beginning is that is its end as well. */
function borderLengths(part: string): Int32Array {
  const borders = new Int32Array(part.length);
  for (let i = 1; i < part.length; i++) {
    borders[i] = extend(part, borders, borders[i - 1] as number, part.charCodeAt(i));
  }
  return borders;
}

/** How much of `part` has matched when, behind the first `matched` characters of it, `code` comes. */
function extend(part: string, borders: Int32Array, matched: number, code: number): number {
  let length = matched;
  while (length > 0 && part.charCodeAt(length) !== code) length = borders[length - 1] as number;
  return part.charCodeAt(length) === code ? length + 1 : length;
}
