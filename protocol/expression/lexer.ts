/**
 * What a token is:
 * - `name`: a letter and then letters, digits and underscores; keywords are names that the grammar tells apart
 * - `nameReference` and `valueReference`: `#` or `:` and then letters, digits and underscores
 * - `number`: decimal digits
 * - `symbol`: `=` `<>` `<` `<=` `>` `>=` `(` `)` `[` `]` `.` `,` `+` `-`
 * - `unknown`: one character that begins none of these
 * - `end`: behind the last
 */
export type TokenKind = 'name' | 'nameReference' | 'valueReference' | 'number' | 'symbol' | 'unknown' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Where it begins in the expression, and where it is over. */
  readonly start: number;
  readonly end: number;
}

/** Cuts an expression into tokens, the last of kind `end`. White space parts tokens and is otherwise ignored. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at = skipSpace(text, token.end);
  }
  tokens.push({ kind: 'end', text: '<EOF>', start: text.length, end: text.length });
  return tokens;
}

const space = /[ \t\r\n]*/y;
const lexemes: readonly (readonly [TokenKind, RegExp])[] = [
  ['name', /[A-Za-z][A-Za-z0-9_]*/y],
  ['nameReference', /#[A-Za-z0-9_]+/y],
  ['valueReference', /:[A-Za-z0-9_]+/y],
  ['number', /[0-9]+/y],
  ['symbol', /<>|<=|>=|[=<>()[\].,+-]/y],
  ['unknown', /./suy],
];

function skipSpace(text: string, at: number): number {
  space.lastIndex = at;
  space.test(text);
  return space.lastIndex;
}

function tokenAt(text: string, start: number): Token {
  for (const [kind, lexeme] of lexemes) {
    lexeme.lastIndex = start;
    if (lexeme.test(text)) {
      const end = lexeme.lastIndex;
      return { kind, text: text.slice(start, end), start, end };
    }
  }
  throw new RangeError('no character to read');
}
