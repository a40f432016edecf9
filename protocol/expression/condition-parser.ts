import type { Comparator, ComparisonNode, ConditionNode, ExpressionParameter, OperandNode } from './ast.ts';
import { checkNestable, parseList, parseOperand, reportMisuse, resumePath } from './operand-parser.ts';
import { ExpressionReader, type Grammar } from './reader.ts';

const IN_OPERANDS_MAX = 100;

export const conditionFunctions: ReadonlySet<string> = new Set([
  'attribute_exists',
  'attribute_not_exists',
  'attribute_type',
  'begins_with',
  'contains',
  'size',
]);
export const updateFunctions: ReadonlySet<string> = new Set(['if_not_exists', 'list_append']);

const grammar: Grammar = {
  keywords: new Set(['AND', 'OR', 'NOT', 'BETWEEN', 'IN']),
  functions: conditionFunctions,
  nestableFunction: 'size',
  foreignFunctions: updateFunctions,
  foreignFunctionText: 'The function is not allowed in a condition expression',
  problems: [
    'parentheses',
    'functionName',
    'functionUse',
    'reservedWord',
    'listIndex',
    'pathDepth',
    'operandCount',
    'operatorCount',
  ],
};

/**
 * Parses a condition (AWS: Expressions.OperatorsAndFunctions). NOT binds tighter than AND, AND tighter than OR.
 * @throws ValidationException naming `parameter`.
 */
export function parseCondition(parameter: ExpressionParameter, text: string): ConditionNode {
  const reader = new ExpressionReader(parameter, text, grammar);
  const condition = asCondition(reader, parseAlternatives(reader));
  reader.finish();
  return condition;
}

/**
 * What stands in parentheses may turn out to be an operand, as in `(a) = :b`, and is then not known to be one before
 * it is read. So the rules below yield either, and insist on a condition where only that can stand.
 */
type Term = ConditionNode | OperandNode;

function asCondition(reader: ExpressionReader, term: Term): ConditionNode {
  if (term.kind === 'path' || term.kind === 'value') throw reader.syntaxError();
  if (term.kind === 'function' && term.name === 'size') reportMisuse(reader, term.name);
  return term;
}

function parseAlternatives(reader: ExpressionReader): Term {
  return parseJoined(reader, 'OR', parseConjunction);
}

function parseConjunction(reader: ExpressionReader): Term {
  return parseJoined(reader, 'AND', parseNegation);
}

function parseJoined(reader: ExpressionReader, operator: 'AND' | 'OR', parse: typeof parseNegation): Term {
  const first = parse(reader);
  if (!reader.isKeyword(operator)) return first;
  const conditions = [asCondition(reader, first)];
  while (reader.acceptKeyword(operator)) {
    reader.countOperator();
    conditions.push(asCondition(reader, parse(reader)));
  }
  return { kind: 'logical', operator, conditions };
}

/** Two NOT in a row cancel each other, so that a row of any length is one level deep. */
function parseNegation(reader: ExpressionReader): Term {
  let count = 0;
  while (reader.acceptKeyword('NOT')) {
    reader.countOperator();
    count++;
  }
  if (count === 0) return parsePredicate(reader);
  const condition = asCondition(reader, parsePredicate(reader));
  return count % 2 === 0 ? condition : { kind: 'logical', operator: 'NOT', conditions: [condition] };
}

function parsePredicate(reader: ExpressionReader): Term {
  const left = parseTerm(reader);
  const operator = comparisonOperator(reader);
  if (operator === undefined) return left;
  if (left.kind === 'comparison' || left.kind === 'logical') throw reader.syntaxError();
  reader.advance();
  reader.countOperator();
  const operands = [left, ...parseRightSide(reader, operator)];
  for (const operand of operands) checkNestable(reader, operand);
  return { kind: 'comparison', operator, operands };
}

function parseTerm(reader: ExpressionReader): Term {
  if (!reader.isSymbol('(')) return parseOperand(reader);
  const group = reader.group(() => parseAlternatives(reader));
  return group.kind === 'path' ? resumePath(reader, group) : group;
}

const comparators: ReadonlySet<string> = new Set<Comparator>(['=', '<>', '<', '<=', '>', '>=']);

function comparisonOperator(reader: ExpressionReader): ComparisonNode['operator'] | undefined {
  const { kind, text } = reader.token;
  if (kind === 'symbol' && comparators.has(text)) return text as Comparator;
  if (reader.isKeyword('BETWEEN')) return 'BETWEEN';
  return reader.isKeyword('IN') ? 'IN' : undefined;
}

function parseRightSide(reader: ExpressionReader, operator: ComparisonNode['operator']): OperandNode[] {
  if (operator === 'IN') return parseInList(reader);
  const operand = parseOperand(reader);
  if (operator !== 'BETWEEN') return [operand];
  if (!reader.acceptKeyword('AND')) throw reader.syntaxError();
  return [operand, parseOperand(reader)];
}

function parseInList(reader: ExpressionReader): OperandNode[] {
  const list = reader.brackets(() => parseList(reader, parseOperand));
  if (list.length > IN_OPERANDS_MAX) {
    const text = `The IN operator is provided with too many operands; number of operands: ${list.length}`;
    reader.report('operandCount', text);
  }
  return list;
}
