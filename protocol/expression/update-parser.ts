import type { ActionNode, SetValueNode, UpdateNode } from './ast.ts';
import { conditionFunctions, updateFunctions } from './condition-parser.ts';
import {
  checkNestable,
  parseList,
  parseOperand,
  parsePath,
  parseValue,
  resumePath,
} from './operand-parser.ts';
import { ExpressionReader, type Grammar } from './reader.ts';

const sections = ['SET', 'REMOVE', 'ADD', 'DELETE'] as const;
type Section = (typeof sections)[number];

const grammar: Grammar = {
  keywords: new Set(sections),
  functions: updateFunctions,
  nestableFunction: 'if_not_exists',
  foreignFunctions: conditionFunctions,
  foreignFunctionText: 'The function is not allowed in an update expression',
  problems: [
    'parentheses',
    'reservedWord',
    'functionName',
    'functionUse',
    'section',
    'listIndex',
    'pathDepth',
    'operatorCount',
  ],
};

/**
 * Parses an update expression (AWS: Expressions.UpdateExpressions).
 * @throws ValidationException
 */
export function parseUpdate(text: string): UpdateNode {
  const reader = new ExpressionReader('UpdateExpression', text, grammar);
  const seen = new Set<Section>();
  const actions: ActionNode[] = [];
  do {
    const section = parseSectionName(reader);
    if (seen.has(section)) {
      reader.report('section', `The "${section}" section can only be used once in an update expression;`);
    }
    seen.add(section);
    for (const action of parseList(reader, () => parseAction(reader, section))) actions.push(action);
  } while (reader.token.kind !== 'end');
  reader.finish();
  return { actions };
}

function parseSectionName(reader: ExpressionReader): Section {
  const section = sections.find((name) => reader.acceptKeyword(name));
  if (section === undefined) throw reader.syntaxError();
  return section;
}

function parseAction(reader: ExpressionReader, section: Section): ActionNode {
  const path = parsePath(reader);
  switch (section) {
    case 'SET':
      reader.expectSymbol('=');
      return { kind: section, path, value: parseSetValue(reader) };
    case 'REMOVE':
      return { kind: section, path };
    case 'ADD':
    case 'DELETE':
      return { kind: section, path, value: parseValue(reader) };
  }
}

/** Reads an operand, or the sum or difference of two; more than two cannot be joined. */
function parseSetValue(reader: ExpressionReader): SetValueNode {
  const left = parseSetTerm(reader);
  const operator = reader.isSymbol('+') ? '+' : '-';
  if (left.kind === 'arithmetic' || !reader.acceptSymbol(operator)) return left;
  reader.countOperator();
  const right = parseOperand(reader);
  for (const operand of [left, right]) checkNestable(reader, operand);
  return { kind: 'arithmetic', operator, operands: [left, right] };
}

function parseSetTerm(reader: ExpressionReader): SetValueNode {
  if (!reader.isSymbol('(')) return parseOperand(reader);
  const group = reader.group(() => parseSetValue(reader));
  return group.kind === 'path' ? resumePath(reader, group) : group;
}
