import type { Condition, Operand, Path, SetOperand, SetValue, Update } from './expression.ts';
import { type LegacyConditions, legacyConditions, legacyKeyConditions } from './legacy-printer.ts';
import {
  expiryName,
  hashName,
  type IndexSchema,
  type KeyPart,
  type KeySchema,
  type Request,
  rangeName,
  type Schema,
  type TransactAction,
} from './request.ts';
import type { Value } from './value.ts';

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/**
 * Writes a request out as DynamoDB JSON, its expressions as text.
 * @param style decides what the grammar leaves free: names written out or as `#n`, spaces, brackets, letter case.
 */
export function printRequest(request: Request, style: number): WireRequest {
  const input = printInput(request, new ExpressionPrinter(style));
  // Through JSON, as on the wire: absent members vanish, and a name such as `__proto__` becomes an ordinary one.
  return { operation: request.op, input: JSON.parse(JSON.stringify(input)) };
}

function printInput(request: Request, printer: ExpressionPrinter): object {
  switch (request.op) {
    case 'PutItem':
      return { ...writeInput(request, printer), Item: request.item, ...printer.substitutions() };
    case 'DeleteItem':
      return { ...writeInput(request, printer), Key: request.key, ...printer.substitutions() };
    case 'UpdateItem': {
      const update = request.update && printer.update(request.update);
      const rest = { ...writeInput(request, printer), Key: request.key, UpdateExpression: update };
      return { ...rest, ...printer.substitutions() };
    }
    case 'GetItem':
      return {
        TableName: request.table,
        ...readInput(request, printer),
        Key: request.key,
        ...capacityInput(request),
      };
    case 'BatchGetItem': {
      const tables = request.tables.map((one) => [
        one.table,
        { Keys: one.keys, ...readInput(one, printer.another()) },
      ]);
      return { RequestItems: Object.fromEntries(tables), ...capacityInput(request) };
    }
    case 'BatchWriteItem': {
      const tables = request.tables.map(({ table, writes }) => [table, writes.map(writeRequest)]);
      return { RequestItems: Object.fromEntries(tables), ...capacityInput(request) };
    }
    case 'Query':
    case 'Scan':
      return pageInput(request, printer);
    case 'TransactWriteItems': {
      const actions = request.actions.map((action) => transactWriteItem(action, printer.another()));
      return { TransactItems: actions, ClientRequestToken: request.token, ...capacityInput(request) };
    }
    case 'TransactGetItems': {
      const gets = request.gets.map((get) => {
        const { ConsistentRead: _, ...rest } = readInput(get, printer.another());
        return { Get: { TableName: get.table, Key: get.key, ...rest } };
      });
      return { TransactItems: gets, ...capacityInput(request) };
    }
    case 'CreateTable':
      return { TableName: request.table, ...schemaInput(request.schema), BillingMode: 'PAY_PER_REQUEST' };
    case 'UpdateTable':
      return { TableName: request.table, ...indexUpdate(request.change) };
    case 'UpdateTimeToLive': {
      const specification = { AttributeName: expiryName, Enabled: request.isEnabled };
      return { TableName: request.table, TimeToLiveSpecification: specification };
    }
    case 'DeleteTable':
    case 'DescribeTable':
      return { TableName: request.table };
  }
}

type Of<Op extends Request['op']> = Extract<Request, { op: Op }>;

function writeInput(
  request: Of<'PutItem' | 'DeleteItem' | 'UpdateItem'>,
  printer: ExpressionPrinter,
): object {
  return {
    TableName: request.table,
    ...conditionInput(request, printer),
    ReturnValues: request.returnValues,
    ReturnValuesOnConditionCheckFailure: request.onFailure,
    ...capacityInput(request),
  };
}

/** As an expression, or as Expected where there is no update expression, with which that may not stand. */
function conditionInput(
  request: Of<'PutItem' | 'DeleteItem' | 'UpdateItem'>,
  printer: ExpressionPrinter,
): object {
  const { condition } = request;
  if (condition === undefined) return {};
  const hasUpdate = request.op === 'UpdateItem' && request.update !== undefined;
  const legacy = hasUpdate ? undefined : printer.legacy(condition);
  if (legacy === undefined) return { ConditionExpression: printer.condition(condition) };
  return { Expected: legacy.conditions, ConditionalOperator: legacy.operator };
}

function readInput(
  { projection, isConsistent }: Pick<Of<'GetItem'>, 'projection' | 'isConsistent'>,
  printer: ExpressionPrinter,
): { ConsistentRead?: boolean | undefined } {
  const expression = projection && printer.projection(projection);
  const rest = { ProjectionExpression: expression, ...printer.substitutions() };
  return { ConsistentRead: isConsistent, ...rest };
}

/** One action, as a member that says what it is. */
function transactWriteItem(action: TransactAction, printer: ExpressionPrinter): object {
  const update = action.op === 'UpdateItem' && action.update ? printer.update(action.update) : undefined;
  const member = {
    TableName: action.table,
    ...(action.op === 'PutItem' ? { Item: action.item } : { Key: action.key }),
    UpdateExpression: update,
    ConditionExpression: action.condition && printer.condition(action.condition),
    ReturnValuesOnConditionCheckFailure: action.onFailure,
    ...printer.substitutions(),
  };
  return { [action.op.replace('Item', '')]: member };
}

function writeRequest(write: Of<'BatchWriteItem'>['tables'][number]['writes'][number]): object {
  return 'put' in write ? { PutRequest: { Item: write.put } } : { DeleteRequest: { Key: write.delete } };
}

function pageInput(request: Of<'Query' | 'Scan'>, printer: ExpressionPrinter): object {
  const legacy = isLegacy(request) ? printer.legacy(request.filter) : undefined;
  const own =
    request.op === 'Query'
      ? { ...keyInput(request, printer, legacy), ScanIndexForward: request.isForward }
      : {
          Segment: request.segment?.index,
          TotalSegments: request.segment?.total,
          ScanFilter: legacy?.conditions,
        };
  return {
    TableName: request.table,
    IndexName: request.index,
    ...own,
    FilterExpression: legacy === undefined && request.filter ? printer.condition(request.filter) : undefined,
    ConditionalOperator: legacy?.operator,
    Select: request.select,
    Limit: request.limit,
    ExclusiveStartKey: request.startKey,
    ...readInput(request, printer),
    ...capacityInput(request),
  };
}

/** The parameters of old do not go together with expressions, and know keys of two attributes. */
function isLegacy<Page extends Of<'Query' | 'Scan'>>(
  request: Page,
): request is Page & { readonly filter: Condition } {
  const isShort = request.op === 'Scan' || request.keys.length <= 2;
  return isShort && request.filter !== undefined && request.projection === undefined;
}

function keyInput(
  { keys }: Of<'Query'>,
  printer: ExpressionPrinter,
  legacy: LegacyConditions | undefined,
): object {
  if (legacy === undefined) return { KeyConditionExpression: printer.keyCondition(keys) };
  return { KeyConditions: legacyKeyConditions(keys), QueryFilter: legacy.conditions };
}

function capacityInput({ capacity }: { readonly capacity?: string | undefined }): object {
  return { ReturnConsumedCapacity: capacity };
}

/** A table's keys and indexes, as CreateTable takes and DescribeTable gives them. */
export function schemaInput({ hash, range, indexes }: Schema): {
  KeySchema: object[];
  AttributeDefinitions: object[];
  LocalSecondaryIndexes: object[] | undefined;
  GlobalSecondaryIndexes: object[] | undefined;
} {
  const key: KeySchema = {
    hash: [{ name: hashName, type: hash }],
    range: range === undefined ? [] : [{ name: rangeName, type: range }],
  };
  const inputs = (isGlobal: boolean) => {
    const ofKind = indexes.filter((index) => index.isGlobal === isGlobal);
    return ofKind.length === 0 ? undefined : ofKind.map(indexInput);
  };
  return {
    KeySchema: keySchemaInput(key),
    AttributeDefinitions: definitions([key, ...indexes]),
    LocalSecondaryIndexes: inputs(false),
    GlobalSecondaryIndexes: inputs(true),
  };
}

export function indexInput(index: IndexSchema): object {
  const { name, projection } = index;
  return {
    IndexName: name,
    KeySchema: keySchemaInput(index),
    Projection:
      typeof projection === 'string'
        ? { ProjectionType: projection }
        : { ProjectionType: 'INCLUDE', NonKeyAttributes: projection },
  };
}

function keySchemaInput({ hash, range }: KeySchema): object[] {
  return [
    ...hash.map(({ name }) => ({ AttributeName: name, KeyType: 'HASH' })),
    ...range.map(({ name }) => ({ AttributeName: name, KeyType: 'RANGE' })),
  ];
}

function definitions(keys: readonly KeySchema[]): object[] {
  const attributes = keys.flatMap(({ hash, range }) => [...hash, ...range]);
  const types = new Map(attributes.map(({ name, type }) => [name, type]));
  return [...types].map(([name, type]) => ({ AttributeName: name, AttributeType: type }));
}

function indexUpdate(change: Of<'UpdateTable'>['change']): object {
  if ('remove' in change) return { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: change.remove } }] };
  return {
    AttributeDefinitions: definitions([change.create]),
    GlobalSecondaryIndexUpdates: [{ Create: indexInput(change.create) }],
  };
}

/** Names that the grammar lets stand as they are: letters and digits, and no reserved word. */
const plainName = /^[a-z]$/;

class ExpressionPrinter {
  readonly #names = new Map<string, string>();
  readonly #values = new Map<string, Value>();
  #style: number;

  constructor(style: number) {
    this.#style = style;
  }

  /** For an expression with substitutions of its own. */
  another(): ExpressionPrinter {
    return new ExpressionPrinter(this.#choose(1_000_000));
  }

  substitutions(): object {
    const names = [...this.#names].map(([name, reference]) => [reference, name]);
    return {
      ExpressionAttributeNames: names.length === 0 ? undefined : Object.fromEntries(names),
      ExpressionAttributeValues: this.#values.size === 0 ? undefined : Object.fromEntries(this.#values),
    };
  }

  condition(condition: Condition): string {
    switch (condition.kind) {
      case 'AND':
      case 'OR': {
        const parts = condition.parts.map((part) => this.#bracketed(part, condition.kind));
        return parts.join(` ${this.#keyword(condition.kind)} `);
      }
      case 'NOT':
        return `${this.#keyword('NOT')} ${this.#bracketed(condition.part, 'NOT')}`;
      case 'compare':
        return `${this.#operand(condition.left)}${this.#around(condition.operator)}${this.#operand(condition.right)}`;
      case 'BETWEEN': {
        const { operand, lower, upper } = condition;
        const bounds = `${this.#operand(lower)} ${this.#keyword('AND')} ${this.#operand(upper)}`;
        return `${this.#operand(operand)} ${this.#keyword('BETWEEN')} ${bounds}`;
      }
      case 'IN': {
        const list = condition.list.map((candidate) => this.#operand(candidate));
        return `${this.#operand(condition.operand)} ${this.#keyword('IN')} (${this.#listed(list)})`;
      }
      case 'attribute_exists':
      case 'attribute_not_exists':
        return this.#call(condition.kind, [this.#path(condition.path)]);
      case 'attribute_type':
        return this.#call(condition.kind, [this.#path(condition.path), this.#value({ S: condition.type })]);
      case 'begins_with':
      case 'contains':
        return this.#call(condition.kind, [this.#path(condition.path), this.#operand(condition.operand)]);
    }
  }

  /** Sometimes, where it is possible at all. */
  legacy(condition: Condition): LegacyConditions | undefined {
    return this.#chance(2) ? legacyConditions(condition) : undefined;
  }

  projection(paths: readonly Path[]): string {
    return this.#listed(paths.map((path) => this.#path(path)));
  }

  keyCondition(keys: readonly KeyPart[]): string {
    const parts = keys.map((part) => this.#keyPart(part));
    if (this.#chance(4)) parts.reverse();
    return parts.map((part) => (this.#chance(5) ? `(${part})` : part)).join(` ${this.#keyword('AND')} `);
  }

  #keyPart({ name: attributeName, operator, values }: KeyPart): string {
    const name = this.#name(attributeName);
    const [first = '', second = ''] = values.map((value) => this.#value(value));
    if (operator === 'begins_with') return this.#call(operator, [name, first]);
    if (operator === 'BETWEEN') {
      return `${name} ${this.#keyword('BETWEEN')} ${first} ${this.#keyword('AND')} ${second}`;
    }
    return `${name}${this.#around(operator)}${first}`;
  }

  update(update: Update): string {
    const sections = [
      { keyword: 'SET', actions: update.set.map(({ path, value }) => this.#assignment(path, value)) },
      { keyword: 'REMOVE', actions: update.remove.map((path) => this.#path(path)) },
      {
        keyword: 'ADD',
        actions: update.add.map(({ path, value }) => `${this.#path(path)} ${this.#value(value)}`),
      },
      {
        keyword: 'DELETE',
        actions: update.delete.map(({ path, value }) => `${this.#path(path)} ${this.#value(value)}`),
      },
    ].filter(({ actions }) => actions.length > 0);
    if (this.#chance(2)) sections.reverse();
    return sections
      .map(({ keyword, actions }) => `${this.#keyword(keyword)} ${this.#listed(actions)}`)
      .join(' ');
  }

  #assignment(path: Path, value: SetValue): string {
    return `${this.#path(path)}${this.#around('=')}${this.#setValue(value)}`;
  }

  #setValue(value: SetValue): string {
    if ('append' in value)
      return this.#call(
        'list_append',
        value.append.map((operand) => this.#setOperand(operand)),
      );
    if (!('operator' in value)) return this.#setOperand(value);
    return `${this.#setOperand(value.left)}${this.#around(value.operator)}${this.#setOperand(value.right)}`;
  }

  #setOperand(operand: SetOperand): string {
    if (!('ifNotExists' in operand)) return this.#operand(operand);
    return this.#call('if_not_exists', [
      this.#path(operand.ifNotExists),
      this.#setOperand(operand.otherwise),
    ]);
  }

  #operand(operand: Operand): string {
    if ('path' in operand) return this.#path(operand.path);
    return 'value' in operand ? this.#value(operand.value) : this.#call('size', [this.#path(operand.sizeOf)]);
  }

  /** In brackets where the tree needs them, sometimes where it does not, never twice. */
  #bracketed(condition: Condition, around: 'AND' | 'OR' | 'NOT'): string {
    const strength = { OR: 0, AND: 1, NOT: 2 };
    const own = condition.kind === 'OR' || condition.kind === 'AND' ? strength[condition.kind] : 3;
    const text = this.condition(condition);
    return own <= strength[around] || this.#chance(4) ? `(${text})` : text;
  }

  #path(path: Path): string {
    return path
      .map((step, i) => (typeof step === 'number' ? `[${step}]` : (i === 0 ? '' : '.') + this.#name(step)))
      .join('');
  }

  #name(name: string): string {
    if (plainName.test(name) && this.#chance(2)) return name;
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const reference = `#n${this.#names.size}`;
    this.#names.set(name, reference);
    return reference;
  }

  #value(value: Value): string {
    const reference = `:v${this.#values.size}`;
    this.#values.set(reference, value);
    return reference;
  }

  #call(name: string, operands: readonly string[]): string {
    return `${name}${this.#chance(6) ? ' ' : ''}(${this.#listed(operands)})`;
  }

  #listed(parts: readonly string[]): string {
    return parts.join(this.#chance(2) ? ', ' : ' ,');
  }

  #around(operator: string): string {
    return this.#chance(3) ? operator : ` ${operator} `;
  }

  #keyword(word: string): string {
    return this.#chance(4) ? word.toLowerCase() : word;
  }

  /** True once in `times`. */
  #chance(times: number): boolean {
    return this.#choose(times) === 0;
  }

  /** The next number of a linear congruential generator (Numerical Recipes), below `bound`. */
  #choose(bound: number): number {
    this.#style = (Math.imul(this.#style, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#style / 2 ** 32) * bound);
  }
}
