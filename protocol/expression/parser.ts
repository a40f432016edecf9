import { LRUCache } from 'lru-cache';
import type { ConditionNode, ExpressionParameter, PathNode, UpdateNode } from './ast.ts';
import { parseCondition } from './condition-parser.ts';
import { parseList, parsePath } from './operand-parser.ts';
import { ExpressionReader, type Grammar } from './reader.ts';
import { parseUpdate } from './update-parser.ts';

/** Of each kind of expression, so many characters of text are kept parsed; a tree takes some fifty times its text. */
const CACHED_CHARACTERS_MAX = 200_000;

/** An application has few expressions and sends them over and over: each is parsed once while it is in use. */
class ParseCache<Tree extends object> {
  readonly #trees = new LRUCache<string, Tree>({
    maxSize: CACHED_CHARACTERS_MAX,
    sizeCalculation: (_, text) => text.length,
  });

  /** The tree of `text`. What cannot be parsed is not kept. */
  get(text: string, parse: () => Tree): Tree {
    const known = this.#trees.get(text);
    if (known !== undefined) return known;
    const tree = parse();
    this.#trees.set(text, tree);
    return tree;
  }
}

const conditions = new ParseCache<ConditionNode>();
const updates = new ParseCache<UpdateNode>();
const projections = new ParseCache<readonly PathNode[]>();

/** The tree of a condition, whichever parameter it came in. @throws ValidationException naming `parameter`. */
export function conditionTree(parameter: ExpressionParameter, text: string): ConditionNode {
  return conditions.get(text, () => parseCondition(parameter, text));
}

/** @throws ValidationException */
export function updateTree(text: string): UpdateNode {
  return updates.get(text, () => parseUpdate(text));
}

/** The paths of a projection, in the order in which they are written. @throws ValidationException */
export function projectionTree(text: string): readonly PathNode[] {
  return projections.get(text, () => parseProjection(text));
}

const projectionGrammar: Grammar = {
  keywords: new Set(),
  functions: new Set(),
  nestableFunction: '',
  foreignFunctions: new Set(),
  foreignFunctionText: '',
  problems: ['reservedWord', 'listIndex', 'pathDepth'],
};

function parseProjection(text: string): PathNode[] {
  const reader = new ExpressionReader('ProjectionExpression', text, projectionGrammar);
  const paths = parseList(reader, parsePath);
  reader.finish();
  return paths;
}
