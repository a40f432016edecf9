import { type DynamoDbError, validationError } from '../errors.ts';
import type { ExpressionParameter } from './ast.ts';
import { type Token, tokenize } from './lexer.ts';

const EXPRESSION_BYTES_MAX = 4096;
const OPERATORS_MAX = 300;
/**
 * Groups and calls inside one another, so that no text exhausts the stack. An expression that goes deeper has more
 * than 300 operators or superfluous parentheses, and is refused for that.
 */
const NESTING_MAX = 400;

/** What can be wrong with an expression that is well formed, apart from its references. */
export type Problem =
  | 'parentheses'
  | 'reservedWord'
  | 'functionName'
  | 'functionUse'
  | 'section'
  | 'listIndex'
  | 'pathDepth'
  | 'operandCount'
  | 'operatorCount';

/** What the three grammars differ in. */
export interface Grammar {
  /** Words that are no attribute names, in capitals; they may be written in any case. */
  readonly keywords: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
  /** The only one whose value can be an operand of another function or of an operator. */
  readonly nestableFunction: string;
  /** Functions of the other grammar, and how to refuse them. */
  readonly foreignFunctions: ReadonlySet<string>;
  readonly foreignFunctionText: string;
  /** If there are several problems, the first of these is told. */
  readonly problems: readonly Problem[];
}

/** In which expressions AWS tells the size of one that is too large. */
const tellsSize: ReadonlySet<ExpressionParameter> = new Set(['ConditionExpression', 'FilterExpression']);

/**
 * Reads the tokens of one expression for the parsers. A syntax error is thrown where it stands; other problems are
 * kept until the whole text has proved to be well formed, as AWS tells syntax errors first.
 */
export class ExpressionReader {
  readonly grammar: Grammar;
  readonly #parameter: ExpressionParameter;
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #problems = new Map<Problem, string>();
  #position = 0;
  #operatorCount = 0;
  #nesting = 0;
  /** The group read last: the positions of its first token and behind its last. */
  #lastGroup = { start: -1, end: -1 };

  /** @throws ValidationException if the expression is empty or longer than 4,096 bytes. */
  constructor(parameter: ExpressionParameter, text: string, grammar: Grammar) {
    this.grammar = grammar;
    this.#parameter = parameter;
    this.#text = text;
    if (text.trim() === '') throw this.error('The expression can not be empty;');
    const size = Buffer.byteLength(text);
    if (size > EXPRESSION_BYTES_MAX) {
      const tooLarge = 'Expression size has exceeded the maximum allowed size;';
      throw this.error(tellsSize.has(parameter) ? `${tooLarge} expression size: ${size}` : tooLarge);
    }
    this.#tokens = tokenize(text);
  }

  /** How many tokens have been read. */
  get position(): number {
    return this.#position;
  }

  get token(): Token {
    return this.#tokens[this.#position] as Token;
  }

  /** Takes the token; the last one, `end`, stays. */
  advance(): Token {
    const token = this.token;
    if (token.kind !== 'end') this.#position++;
    return token;
  }

  isSymbol(text: string): boolean {
    return this.token.kind === 'symbol' && this.token.text === text;
  }

  acceptSymbol(text: string): boolean {
    if (!this.isSymbol(text)) return false;
    this.#position++;
    return true;
  }

  expectSymbol(text: string): void {
    if (!this.acceptSymbol(text)) throw this.syntaxError();
  }

  isKeyword(word: string): boolean {
    return this.token.kind === 'name' && this.token.text.toUpperCase() === word;
  }

  acceptKeyword(word: string): boolean {
    if (!this.isKeyword(word)) return false;
    this.#position++;
    return true;
  }

  /** A name that is no keyword. */
  isName(): boolean {
    return this.token.kind === 'name' && !this.grammar.keywords.has(this.token.text.toUpperCase());
  }

  /** Whether the token is a name, and behind it begins the list of operands of a function. */
  isCall(): boolean {
    if (!this.isName()) return false;
    const following = this.#tokens[this.#position + 1];
    return following?.kind === 'symbol' && following.text === '(';
  }

  countOperator(): void {
    this.#operatorCount++;
    if (this.#operatorCount > OPERATORS_MAX) {
      const text = `The expression contains too many operators; operator count: ${this.#operatorCount}`;
      this.#problems.set('operatorCount', text);
    }
  }

  /** Reads `( ... )` around what `parse` reads. */
  brackets<T>(parse: () => T): T {
    this.expectSymbol('(');
    if (++this.#nesting > NESTING_MAX) throw this.#tooDeep();
    const content = parse();
    this.#nesting--;
    this.expectSymbol(')');
    return content;
  }

  /** Like `brackets`, for a pair that only groups: if all it has inside is another such pair, that is reported. */
  group<T>(parse: () => T): T {
    const start = this.#position;
    const content = this.brackets(parse);
    const inner = this.#lastGroup;
    if (inner.start === start + 1 && inner.end === this.#position - 1) {
      this.report('parentheses', redundantParentheses);
    }
    this.#lastGroup = { start, end: this.#position };
    return content;
  }

  #tooDeep(): DynamoDbError {
    return this.error(this.#problems.get('operatorCount') ?? redundantParentheses);
  }

  /** Keeps a problem in mind; of one kind the first is kept. */
  report(problem: Problem, text: string): void {
    if (!this.#problems.has(problem)) this.#problems.set(problem, text);
  }

  /** @throws ValidationException if there is text left, or anything was reported. */
  finish(): void {
    if (this.token.kind !== 'end') throw this.syntaxError();
    for (const problem of this.grammar.problems) {
      const text = this.#problems.get(problem);
      if (text !== undefined) throw this.error(text);
    }
  }

  /** The error that the current token cannot stand where it stands. */
  syntaxError(): DynamoDbError {
    return this.error(`Syntax error; token: "${this.token.text}", near: "${this.#surroundings()}"`);
  }

  error(text: string): DynamoDbError {
    return validationError(`Invalid ${this.#parameter}: ${text}`);
  }

  /** The token with one before and one behind it, as they are written; at the end, the one before it. */
  #surroundings(): string {
    const previous = this.#tokens[this.#position - 1];
    const following = this.#tokens[this.#position + 1];
    const start = previous?.start ?? this.token.start;
    if (following === undefined) return this.#text.slice(start, previous?.end);
    return this.#text.slice(start, following.kind === 'end' ? this.token.end : following.end);
  }
}

const redundantParentheses = 'The expression has redundant parentheses;';
