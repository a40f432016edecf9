import type { FunctionNode, OperandNode, PathNode, PathStep, ValueNode } from './ast.ts';
import type { ExpressionReader } from './reader.ts';
import { isReservedWord } from './reserved-words.ts';

const PATH_STEPS_MAX = 32;
const LIST_INDEX_MAX = 2 ** 31 - 1;

/** Reads a document path, a `:value` or a call of a function, in parentheses or not. */
export function parseOperand(reader: ExpressionReader): OperandNode {
  if (reader.isSymbol('(')) return parseOperandGroup(reader);
  if (reader.token.kind === 'valueReference') return parseValue(reader);
  if (reader.isCall()) return parseCall(reader);
  return parsePath(reader);
}

/** Reads `( operand )`; where that is a path, it may go on behind the parenthesis. */
function parseOperandGroup(reader: ExpressionReader): OperandNode {
  const group = reader.group(() => parseOperand(reader));
  return group.kind === 'path' ? resumePath(reader, group) : group;
}

export function parseValue(reader: ExpressionReader): ValueNode {
  if (reader.token.kind !== 'valueReference') throw reader.syntaxError();
  return { kind: 'value', reference: reader.advance().text };
}

/** Reads `name ( operand , ... )`. */
export function parseCall(reader: ExpressionReader): FunctionNode {
  const name = reader.advance().text;
  reader.countOperator();
  const operands = reader.brackets(() => parseList(reader, parseOperand));
  checkFunctionName(reader, name);
  for (const operand of operands) checkNestable(reader, operand);
  return { kind: 'function', name, operands };
}

function checkFunctionName(reader: ExpressionReader, name: string): void {
  const { functions, foreignFunctions, foreignFunctionText } = reader.grammar;
  if (functions.has(name)) return;
  const text = foreignFunctions.has(name) ? foreignFunctionText : 'Invalid function name';
  reader.report('functionName', `${text}; function: ${name}`);
}

/** Reports a function whose value cannot be an operand of another function or operator. */
export function checkNestable(reader: ExpressionReader, operand: OperandNode): void {
  if (operand.kind === 'function' && operand.name !== reader.grammar.nestableFunction) {
    reportMisuse(reader, operand.name);
  }
}

export function reportMisuse(reader: ExpressionReader, name: string): void {
  const text = 'The function is not allowed to be used this way in an expression';
  reader.report('functionUse', `${text}; function: ${name}`);
}

/** Reads one or more, with commas between. */
export function parseList<T>(reader: ExpressionReader, parse: (reader: ExpressionReader) => T): T[] {
  const list = [parse(reader)];
  while (reader.acceptSymbol(',')) list.push(parse(reader));
  return list;
}

/** Reads a document path: `name.name[index]`, each name written out or as a reference. */
export function parsePath(reader: ExpressionReader): PathNode {
  return resumePath(reader, { kind: 'path', steps: [parseName(reader)] });
}

/** Reads the steps that follow a path already begun. */
export function resumePath(reader: ExpressionReader, beginning: PathNode): PathNode {
  const steps: PathStep[] = [...beginning.steps];
  for (;;) {
    if (reader.acceptSymbol('.')) steps.push(parseName(reader));
    else if (reader.acceptSymbol('[')) steps.push(parseIndex(reader));
    else break;
  }
  if (steps.length > PATH_STEPS_MAX) {
    const text = `The document path has too many nesting levels; nesting levels: ${steps.length}`;
    reader.report('pathDepth', text);
  }
  return { kind: 'path', steps };
}

function parseName(reader: ExpressionReader): string {
  if (reader.token.kind === 'nameReference') return reader.advance().text;
  if (!reader.isName()) throw reader.syntaxError();
  const name = reader.advance().text;
  if (isReservedWord(name)) {
    reader.report('reservedWord', `Attribute name is a reserved keyword; reserved keyword: ${name}`);
  }
  return name;
}

function parseIndex(reader: ExpressionReader): number {
  if (reader.token.kind !== 'number') throw reader.syntaxError();
  const digits = reader.advance().text;
  reader.expectSymbol(']');
  const index = Number(digits);
  if (index > LIST_INDEX_MAX) {
    reader.report('listIndex', `List index is not within the allowable range; index: [${digits}]`);
  }
  return index;
}
