import { stable } from './comparison.ts';
import type { Answer } from './peer.ts';
import type { Difference } from './player.ts';

/**
 * Where DynamoDB Local or dynalite answer otherwise than AWS, and the engine as AWS does. An answer is written as `OK`, or
 * as the code and the text of its error; the engine's without the envelope that AWS puts around the faults of a single
 * write. Results are never allowed to differ but where an entry says so.
 */
interface KnownDifference {
  readonly peers: readonly string[];
  readonly operation?: RegExp;
  readonly ours: RegExp;
  readonly theirs: RegExp;
  /** What the request has to hold. */
  readonly input?: RegExp;
  /** A condition on results, where both have one. */
  readonly outputs?: (ours: Output, theirs: Output, input: Output) => boolean;
  /** What AWS does, and the page or the measurement that says so. */
  readonly why: string;
}

type Output = Readonly<Record<string, unknown>>;

export function isKnown(difference: Difference): boolean {
  return isSameInside(difference) || knownDifferences.some((known) => explains(known, difference));
}

/**
 * AWS reports what is wrong with a single write in the envelope of constraint errors, and names the types that ADD and
 * DELETE take (measured in all regions in October 2026); DynamoDB Local has no envelope, dynalite neither.
 */
function isSameInside({ ours, theirs }: Difference): boolean {
  const bare = written(ours).replace(envelope, ': ');
  return bare === written(theirs) || bare.replace(/, typeSet: \w+$/, '') === written(theirs);
}

function explains(known: KnownDifference, { peer, call, ours, theirs }: Difference): boolean {
  if (!known.peers.includes(peer) || known.operation?.test(call.operation) === false) return false;
  if (known.input?.test(JSON.stringify(call.input)) === false) return false;
  if (!known.ours.test(written(ours).replace(envelope, ': ')) || !known.theirs.test(written(theirs)))
    return false;
  if (!('output' in ours) || !('output' in theirs)) return true;
  return known.outputs?.(ours.output, theirs.output, call.input) === true;
}

const envelope = ': 1 validation error detected: ';

function written(answer: Answer): string {
  return 'output' in answer ? 'OK' : `${answer.error.code}: ${answer.error.message}`;
}

const local = ['DynamoDB Local'];
const dynalite = ['dynalite'];
const both = [...local, ...dynalite];

function isAlikeBut(member: string) {
  return ({ [member]: _, ...ours }: Output, { [member]: __, ...theirs }: Output) =>
    stable(ours) === stable(theirs);
}

const knownDifferences: readonly KnownDifference[] = [
  {
    peers: both,
    ours: /^ValidationException: .*failed to satisfy constraint: /,
    theirs: /^ValidationException: /,
    why:
      'AWS names every member that breaks a constraint, before it looks at what the request means (CommonErrors; measured). ' +
      'DynamoDB Local stops at the first with other words, dynalite does not know the newer constraints.',
  },
  {
    peers: local,
    operation: /^(?:CreateTable|UpdateTable|UpdateTimeToLive)$/,
    ours: /^ValidationException: /,
    theirs: /^ValidationException: /,
    why: 'DynamoDB Local has words and an order of its own for what is wrong with a definition.',
  },
  {
    peers: local,
    ours: /^ValidationException: /,
    theirs:
      /^ValidationException: (?:Return values set to invalid|One of the required keys was not|Comparison type does not exist|Only scalar types can be|A value provided cannot be|Invalid attribute value type|The supplied Item contains|The list of keys in|Invalid table\/index name|Item to put in PutItem|The filter condition for|Attempted conditional constraint|The number of conditions|Query condition missed key schema element$|Select must be|Supplied AttributeValue is empty|Cannot have two attributes with|If total segments is|Expression\w+ contains invalid|The batch write request list|Conditions must be at least)/,
    why: 'Words that only DynamoDB Local has; AWS says as the engine does (measured).',
  },
  {
    peers: both,
    ours: /^ValidationException: /,
    theirs:
      /^ValidationException: (?:ExpressionAttributeValues contains invalid value: |Expression\S+ can only be specified when using expressions: )/,
    why:
      'AWS names key and parameter in its older layer of checks only, which serves BatchWriteItem, Scan and transactions ' +
      '(measured in all regions in October 2026; protocol/wording.ts).',
  },
  {
    peers: both,
    ours: /^ValidationException: .*Two document paths overlap/,
    theirs: /^ValidationException: .*Two document paths overlap/,
    why: 'Which pair of paths is named: AWS the first that overlaps, in the order of the text (measured).',
  },
  {
    peers: dynalite,
    ours: /^ValidationException: Invalid \w+: Syntax error; token: /,
    theirs: /^ValidationException: Invalid \w+: Syntax error; Expected /,
    why: 'AWS tells the token and what is near it (Expressions; measured), dynalite what its parser expected.',
  },
  {
    peers: both,
    ours: /^ValidationException: /,
    theirs:
      /^ValidationException: (?:1 validation error detected: |Invalid \w+: |One or more parameter values were invalid: |Can not use both |Cannot specify the |Must specify the |ALL_PROJECTED_ATTRIBUTES |ConditionalOperator |Consistent reads are not |Value provided in |Attempted conditional |The document path provided|The provided expression refers|The parameter cannot be converted|The BETWEEN condition|Query key condition not|The table does not have|Supplied AttributeValue is|Type mismatch for attribute|ExpressionAttribute\w+ can only be|One or more parameter values are not valid|Transaction request cannot)/,
    why:
      'A request with several faults is told of one, in words that all three use. AWS checks its newer layer first (what a ' +
      'request says by itself), then its key condition, filter and projection, and at last the table ' +
      '(measured in October 2026; Query.KeyConditionExpressions). Neither of the others has that order throughout.',
  },
  {
    peers: both,
    ours: /^ValidationException: .*failed to satisfy constraint: /,
    theirs: /^(?:OK|ConditionalCheckFailedException: .*)$/,
    why: 'A member that breaks a constraint is never overlooked (CommonErrors); the others let some pass.',
  },
  {
    peers: dynalite,
    operation: /^(?:CreateTable|UpdateTable)$/,
    ours: /^ValidationException: /,
    theirs: /^ValidationException: /,
    why: 'dynalite checks definitions in an order of its own.',
  },
  {
    peers: both,
    ours: /^ValidationException: (?!.*document path)/,
    theirs: /^ConditionalCheckFailedException: /,
    why: 'AWS checks all that a request says by itself before it looks at the item (measured).',
  },
  {
    peers: both,
    operation: /^(?:UpdateItem|TransactWriteItems)$/,
    ours: /^OK$/,
    theirs: /^(?:ValidationException: .*|TransactionCanceledException: .*ValidationError.*)$/,
    input: /REMOVE/,
    why:
      'Where there is no item, an update that only removes does nothing, also from within documents that are not there ' +
      '(protocol/expression/update.ts). Both others refuse the path.',
  },
  {
    peers: dynalite,
    operation: /^(?:Query|Scan)$/,
    ours: /^OK$/,
    theirs: /^ValidationException: .*ComparisonOperator (?:EQ|NE) is not valid for/,
    why: 'EQ and NE are there for all types, lists and maps included (API_Condition).',
  },
  {
    peers: dynalite,
    operation: /^UpdateTable$/,
    ours: /^ResourceNotFoundException: /,
    theirs: /^OK$/,
    why: 'An index that is not there cannot be deleted (API_UpdateTable: ResourceNotFoundException).',
  },
  {
    peers: dynalite,
    operation: /^(?:PutItem|UpdateItem|DeleteItem)$/,
    ours: /^ConditionalCheckFailedException: /,
    theirs: /^ValidationException: (?:The document path provided|Type mismatch for attribute)/,
    why: 'As below: dynalite holds conditions on missing attributes for true.',
  },
  {
    peers: both,
    ours: /^ResourceNotFoundException: /,
    theirs: /^ResourceNotFoundException: /,
    why: 'AWS names the table or index of a control-plane call (measured; API_DescribeTable).',
  },
  {
    peers: local,
    ours: /^SerializationException: /,
    theirs: /./,
    why:
      'AWS refuses a member of the wrong JSON type before anything else (CommonErrors; measured). DynamoDB Local reads ' +
      'numbers and booleans as strings, and fails on objects.',
  },
  {
    peers: both,
    ours: /./,
    theirs: /^(?:InternalFailure|InternalServerError|not JSON): /,
    why:
      'A server that fails has no opinion. DynamoDB Local does on members of the wrong type and now and then on tables that ' +
      'change, dynalite where a filter or condition compares an attribute that is not there or has another type.',
  },
  {
    peers: dynalite,
    operation: /^(?:Transact.*|UpdateTimeToLive)$/,
    ours: /./,
    theirs: /^UnknownOperationException: /,
    why: 'dynalite has no transactions, and no TTL to change.',
  },
  {
    peers: both,
    operation: /^UpdateTable$/,
    ours: /^(?:ValidationException|SerializationException|ResourceNotFoundException): /,
    theirs: /^(?:ResourceNotFoundException|ValidationException): /,
    why: 'AWS looks for the table, or the index, after it has checked the request by itself (measured).',
  },
  {
    peers: both,
    ours: /^ValidationException: .*(?:(?:ADD|DELETE) action|ComparisonOperator|ConditionalOperator|AttributeValueList|Exists|Only DELETE action|Incorrect operand type|first operand must be distinct|ReturnValues can only be|unused in expressions|redundant parentheses|BETWEEN operator|reserved keyword)/,
    theirs: /^(?:OK|ConditionalCheckFailedException: .*)$/,
    why:
      'AWS checks all of a request, its legacy parameters and the types of operands included, before it looks at the ' +
      'item (LegacyConditionalParameters, Expressions.OperatorsAndFunctions; measured).',
  },
  {
    peers: local,
    operation: /^UpdateItem$/,
    ours: /^ValidationException: .*The document path provided in the update expression is invalid/,
    theirs: /^OK$/,
    why: 'A path into what is no map or list cannot be set (Expressions.UpdateExpressions).',
  },
  {
    peers: local,
    operation: /^TransactWriteItems$/,
    ours: /^TransactionCanceledException: /,
    theirs: /^ValidationException: /,
    why:
      'What an action finds wrong with its item cancels the transaction with the reason ValidationError ' +
      '(API_TransactWriteItems).',
  },
  {
    peers: local,
    operation: /^(?:CreateTable|UpdateTable)$/,
    ours: /^ValidationException: .*(?:CapacityUnits|ProvisionedThroughput)/,
    theirs: /^OK$/,
    why:
      'Units are given for PROVISIONED and for nothing else (API_UpdateTable: BillingMode, API_CreateTable: ' +
      'ProvisionedThroughput).',
  },
  {
    peers: dynalite,
    operation: /^(?:CreateTable|UpdateTable)$/,
    ours: /^ValidationException: /,
    theirs: /^OK$/,
    why: 'dynalite checks the definitions of attributes that indexes use, and on-demand tables, less than AWS does.',
  },
  {
    peers: dynalite,
    operation: /^UpdateTable$/,
    ours: /^OK$/,
    theirs: /provisionedThroughput' failed to satisfy constraint: Member must not be null$/,
    why: 'An index of an on-demand table has no throughput (API_CreateGlobalSecondaryIndexAction).',
  },
  {
    peers: dynalite,
    operation: /^(?:Query|Scan)$/,
    ours: /^ValidationException: .*(?:does not project|Must specify the AttributesToGet|Cannot specify the|ALL_PROJECTED_ATTRIBUTES|Consistent reads are not supported|cannot contain an empty|Empty attribute name)/,
    theirs: /^(?:OK|not JSON: .*)$/,
    why: 'What Select, the projection and a filter may ask of an index (API_Query: Select); dynalite does not look.',
  },
  {
    peers: dynalite,
    operation: /^(?:PutItem|UpdateItem|BatchWriteItem)$/,
    ours: /^ValidationException: .*secondary index key/,
    theirs: /^OK$/,
    why: 'A key of an index cannot be empty (HowItWorks.NamingRulesDataTypes).',
  },
  {
    peers: dynalite,
    ours: /^SerializationException: /,
    theirs: /^(?:OK|ValidationException: .*|UnknownOperationException: .*)$/,
    why: 'Integers and null elements that AWS cannot read are refused first (measured).',
  },
  {
    peers: both,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: isAlikeBut('ConsumedCapacity'),
    why:
      'Capacity: a read that finds nothing costs the minimum, a failed lookup in a batch too, a passing ConditionCheck 2 ' +
      'write units, and indexes their deltas (read-write-operations, CapacityUnitCalculations; measured). DynamoDB Local ' +
      'counts some differently, dynalite leaves out indexes.',
  },
  {
    peers: both,
    operation: /^GetItem$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: (_, theirs) => isBareKey(theirs.Item),
    why:
      'DELETE of an attribute in AttributeUpdates makes no item where there is none, and without an Action it is PUT ' +
      '(API_AttributeValueUpdate); DynamoDB Local writes the key alone.',
  },
  {
    peers: local,
    operation: /^(?:GetItem|TransactGetItems|Query|Scan)$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: (ours, theirs) => stable(theirs).replaceAll('1.0', '1') === stable(ours),
    why: 'Numbers in sets are normalised like all others (HowItWorks.NamingRulesDataTypes).',
  },
  {
    peers: local,
    operation: /^DescribeTable$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: (ours, theirs) => stable(withoutDefinitions(ours)) === stable(withoutDefinitions(theirs)),
    why: 'A table is described with the attributes of its keys and those of its indexes (API_TableDescription).',
  },
  {
    peers: dynalite,
    operation: /^UpdateItem$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: (ours, theirs) => ours.Attributes === undefined && stable(theirs.Attributes) === '{}',
    why: 'Without an updated attribute there are none to return (API_UpdateItem: Attributes).',
  },
  {
    peers: dynalite,
    operation: /^(?:PutItem|UpdateItem|DeleteItem)$/,
    ours: /^(?:OK|ConditionalCheckFailedException: .*)$/,
    theirs: /^(?:OK|ConditionalCheckFailedException: .*)$/,
    outputs: () => false,
    why:
      'An attribute that is missing compares as neither less nor equal to anything, another missing one included, and as ' +
      'different from everything (Expressions.OperatorsAndFunctions; DynamoDB Local agrees). dynalite compares them as null.',
  },
  {
    peers: dynalite,
    operation: /^(?:Query|Scan)$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: (_, __, { FilterExpression: filter }) => filter !== undefined,
    why: 'The same in filters.',
  },
  {
    peers: dynalite,
    operation: /^(?:Query|Scan)$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: (_, __, { IndexName: index }) => index === 'local',
    why: 'What a local index does not have is fetched from the table (LSI); dynalite leaves it out.',
  },
];

/** Of the tables that cases write to. */
function isBareKey(item: unknown): boolean {
  return item !== undefined && Object.keys(item as object).every((name) => name === 'p' || name === 's');
}

function withoutDefinitions({ Table }: Output): Output {
  const { AttributeDefinitions: _, ...rest } = Table as Output;
  return rest;
}
