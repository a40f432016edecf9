import { both, dynalite, type KnownDifference, local } from './known-difference.ts';

/** Of errors: where a server finds fault with what another one takes, or with something else in it. */
export const knownErrors: readonly KnownDifference[] = [
  {
    peers: both,
    ours: /^ValidationException: .*failed to satisfy constraint: /,
    theirs: /^(?:OK|ConditionalCheckFailedException: .*)$/,
    why: 'A member that breaks a constraint is never overlooked (CommonErrors); the others let some pass.',
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
    ours: /^(?:OK|ValidationException: (?:Attempted conditional constraint|.*does not project|.*Condition parameter type).*)$/,
    theirs: /^ValidationException: .*ComparisonOperator (?:EQ|NE|CONTAINS|NOT_CONTAINS) is not valid for/,
    why: 'EQ and NE are there for all types (API_Condition), CONTAINS for all that a list may hold; DynamoDB Local agrees.',
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
    peers: local,
    ours: /^SerializationException: /,
    theirs: /^(?!SerializationException)/,
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
    ours: /^ValidationException: .*(?:does not project|Must specify the AttributesToGet|Cannot specify the|ALL_PROJECTED_ATTRIBUTES|cannot contain an empty|Empty attribute name)/,
    theirs: /^(?:OK|not JSON: .*|ValidationException: .*Select type ALL_ATTRIBUTES is not supported for .*)$/,
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
    theirs: /^(?:OK|(?:Validation|UnknownOperation|ConditionalCheckFailed)Exception: .*)$/,
    why: 'Integers and null elements that AWS cannot read are refused first (measured).',
  },
  {
    peers: local,
    operation: /^(?:CreateTable|UpdateTable)$/,
    ours: /^ValidationException: /,
    theirs:
      /^ValidationException: (?:(?:Hash|Range) Key not specified|No (?:defined key schema|Hash Key specified|provisioned throughput)|The number of attributes in key schema|Two keys can not|Too many hash keys|Key Schema too big|Key schema element is|Invalid key order|One or more keys is not|Local Secondary indices|Table read and write throughput|Attribute (?:name must be|\w+ is not defined)|Names of key attributes|Member must satisfy enum value set: \[B, N, S\]|Projection type must be|If Projection type|invalid attribute, SchemaElement|Update global secondary index|The requested throughput value|Invalid Attribute value|Invalid table\/index name|Local secondary|Global Secondary Index's|No attributes should be specified|Indexes must have a projection|Two (?:global|local) secondary|Duplicate)/,
    why: 'DynamoDB Local has words and an order of its own for definitions; dynalite checks them as AWS does.',
  },
  {
    peers: local,
    operation: /^(?:UpdateItem|TransactWriteItems)$/,
    ours: /^ValidationException: Invalid UpdateExpression: An expression attribute value .* is not defined/,
    theirs: /^ValidationException: Invalid UpdateExpression: Two document paths overlap/,
    why: "AWS resolves all names and values before it compares paths (dynalite's tests, run against AWS).",
  },
  {
    peers: both,
    operation: /^UpdateItem$/,
    ours: /^ValidationException: The document path provided in the update expression is invalid/,
    theirs: /^ValidationException: (?:The provided expression refers|An operand in the update expression)/,
    why:
      'Which of several clauses that do not fit an item is reported is arbitrary: the first in the text here, another one ' +
      'in each of the others. No source says what AWS does.',
  },
  {
    peers: both,
    operation: /^UpdateItem$/,
    ours: /^ValidationException: (?:The provided expression refers|An operand in the update expression)/,
    theirs:
      /^ValidationException: (?:The document path provided|The provided expression refers|An operand in the)/,
    why: 'The same for the other two.',
  },
  {
    peers: local,
    ours: /: The first operand must be distinct from the remaining operands/,
    theirs: /: Incorrect operand type for operator or function; operator or function: BETWEEN/,
    why: 'AWS looks at the operands of an operator one by one before it looks at their types (measured).',
  },
  {
    peers: local,
    ours: /Attribute name is a reserved keyword; reserved keyword: size$/,
    theirs:
      /^(?:OK|ConditionalCheckFailedException: .*|ValidationException: (?:.*does not project one or more filter|The provided expression refers|Invalid UpdateExpression: ).*)$/,
    why: 'SIZE is a reserved word (ReservedWords); DynamoDB Local takes it for a name.',
  },
  {
    peers: local,
    operation: /^Transact/,
    ours: /^OK$/,
    theirs: /^ValidationException: ExpressionAttribute\w+ can only be specified when using expressions/,
    why: 'Actions without an expression may come with names and values (measured; moto and ExtendDB agree).',
  },
  {
    peers: dynalite,
    ours: /^ValidationException: .*: (?:ComparisonOperator \w+ is not valid for|Invalid number of argument\(s\) for the) /,
    theirs: /: AttributeValues inside AttributeValueList must be of same type$/,
    why: 'AWS looks at the values one by one before it compares their types (DynamoDB Local agrees).',
  },
  {
    peers: dynalite,
    ours: /: Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: \w+$/,
    theirs: /: The BETWEEN operator requires same data type for lower and upper bounds/,
    why: 'The same in expressions.',
  },
  {
    peers: dynalite,
    ours: /: Syntax error; token: ":/,
    theirs: /: An expression attribute value used in expression is not defined; attribute value: :$/,
    why: 'A colon alone is no reference (Expressions.ExpressionAttributeValues; DynamoDB Local agrees).',
  },
  {
    peers: both,
    operation: /^UpdateTable$/,
    ours: /^ValidationException: /,
    theirs: /^ResourceNotFoundException: /,
    why: 'AWS looks for the table, and for its index, after it has checked the request by itself (measured).',
  },
  {
    peers: dynalite,
    operation: /^UpdateTable$/,
    ours: /^ValidationException: /,
    theirs: /create\.provisionedThroughput' failed to satisfy constraint: Member must not be null/,
    why: 'An index of an on-demand table has no throughput (API_CreateGlobalSecondaryIndexAction).',
  },
  {
    peers: local,
    ours: /^ValidationException: Invalid \w+: The expression can not be empty;$/,
    theirs: /^ValidationException: ExpressionAttribute\w+ can only be specified when using expressions/,
    why: 'An empty expression is one, and not valid (measured); DynamoDB Local takes it for none.',
  },
  {
    peers: dynalite,
    operation: /^(?:CreateTable|UpdateTable)$/,
    ours: /^(?:OK|ValidationException: )/,
    theirs:
      /econdaryIndex\w+\.\d\.member\.(?:create\.)?keySchema' failed to satisfy constraint: Member must have length less/,
    why: 'A global index has up to four attributes of each kind (GSI.DesignPattern.MultiAttributeKeys).',
  },
  {
    peers: local,
    operation: /^Query$/,
    ours: /^ValidationException: Attempted conditional constraint is not an indexable operation$/,
    theirs: /^ValidationException: .*: Condition parameter type does not match schema type$/,
    why: "AWS looks at the operator of a condition before its values (dynalite's tests, run against AWS).",
  },
  {
    peers: local,
    operation: /^UpdateTable$/,
    ours: /^OK$/,
    theirs: /^ValidationException: invalid attribute, SchemaElement redefined should be of same type as/,
    why: 'What the request says of attributes that its index does not use is ignored (measured in October 2026).',
  },
  {
    peers: local,
    operation: /^UpdateTable$/,
    ours: /^ValidationException: .*: Some index key attributes are not defined in AttributeDefinitions/,
    theirs: /^OK$/,
    why: 'All attributes of a new index are defined in the request, those of the table included (measured).',
  },
  {
    peers: both,
    ours: /^ValidationException: ExpressionAttribute\w+ must not be empty$/,
    theirs:
      /^ValidationException: (?:ExpressionAttribute\w+ contains invalid|Value provided in|.*attribute name used in the)/,
    input: /"ExpressionAttribute\w+":\{"[^"]*":null\}/,
    why: 'A member that is null counts as absent, in maps too (CommonErrors; measured).',
  },
  {
    peers: dynalite,
    ours: /^ValidationException: (?:Supplied AttributeValue|The parameter cannot be converted|Attempting to store|Number |One or more parameter values were invalid: (?:An |Binary sets|Input|Null))/,
    theirs: /^(?:OK|ConditionalCheckFailedException: .*|ValidationException: .*number of argument.*)$/,
    input: /"Expected":.*"AttributeValueList":/,
    why: 'dynalite does not look at the values that an Expected compares with.',
  },
  {
    peers: dynalite,
    operation: /^Scan$/,
    ours: /^ValidationException: Consistent reads are not supported on global secondary indexes$/,
    theirs: /^OK$/,
    why: 'A global index has no consistent reads, scans included (API_Scan); dynalite looks at those of a Query only.',
  },
  {
    peers: dynalite,
    operation: /^Query$/,
    ours: /^ValidationException: Invalid KeyConditionExpression: Incorrect operand type for operator or function; /,
    theirs: /^ValidationException: .*: ComparisonOperator \w+ is not valid for \w+ AttributeValue type$/,
    why: 'dynalite turns key conditions into KeyConditions, and has the words of those (AWS as measured in October 2026).',
  },
  {
    peers: both,
    operation: /^Query$/,
    ours: /does not project (?:\[|one or more)/,
    theirs: /: Condition parameter type does not match schema type$/,
    why: 'Both are found by looking at the index.',
  },
  {
    peers: dynalite,
    operation: /^UpdateTable$/,
    ours: /^ResourceNotFoundException: /,
    theirs: /create\.provisionedThroughput' failed to satisfy constraint: Member must not be null/,
    why: 'As above, of a table that is not there.',
  },
  {
    peers: dynalite,
    ours: /may not (?:have a null string as a member|contain null or empty values)$/,
    theirs: /^(?:OK|ConditionalCheckFailedException: .*|ValidationException: .*numeric value.*)$/,
    why: 'An element that is null is none (measured); dynalite takes it for a value.',
  },
  {
    peers: dynalite,
    operation: /^Scan$/,
    ours: /^ValidationException: The TotalSegments parameter is required but was not present/,
    theirs: /^OK$/,
    why: 'Segment 0 is one too (API_Scan); dynalite takes it for none.',
  },
  {
    peers: both,
    operation: /^(?:UpdateItem|TransactWriteItems)$/,
    ours: /^ValidationException: Number overflow\. /,
    theirs: /^(?:OK|ValidationException: DynamoDB only supports precision up to 38 digits)$/,
    why: 'A sum of more than 38 digits is an overflow to AWS (measured); dynalite rounds it.',
  },
  {
    peers: local,
    operation: /^Query$/,
    ours: /^ValidationException: Invalid KeyConditionExpression: .* is not defined; /,
    theirs: /^ValidationException: Invalid FilterExpression: .* is not defined; /,
    why: 'The key condition is read before the filter (paritysuite: queryKeyCondition; dynalite agrees).',
  },
  {
    peers: local,
    operation: /^Query$/,
    ours: /^ValidationException: Either the KeyConditions or KeyConditionExpression parameter must be specified/,
    theirs: /^ValidationException: (?:Invalid (?:Filter|Projection)Expression: |Value provided in )/,
    why: 'That there is a key condition is checked before any expression is read (dynalite agrees).',
  },
  {
    peers: dynalite,
    operation: /^CreateTable$/,
    ours: /ndexes\.\d\.member\.keySchema\.\d\.member\.keyType' failed to satisfy constraint: /,
    theirs: /^ValidationException: (?:Invalid KeySchema: |.*: Table KeySchema does not have a range key)/,
    why: 'KeyType is an enumeration in the keys of indexes, too (API_KeySchemaElement).',
  },
  {
    peers: local,
    operation: /^TransactWriteItems$/,
    ours: /^ValidationException: Transaction request cannot include multiple operations on one item$/,
    theirs: /^(?:TransactionCanceledException: |ValidationException: An operand in the update expression)/,
    why: 'That no item is named twice is checked before any condition is (paritysuite: transactions).',
  },
  {
    peers: dynalite,
    operation: /^(?:CreateTable|UpdateTable)$/,
    ours: /(?:keySchema|attributeDefinitions)\.\d\.member\.attribute(?:Name|Type)' failed to satisfy constraint: |Attribute Name is duplicated/i,
    theirs: /^ValidationException: /,
    why:
      'Names of attributes have 1 to 255 characters and are there once, types are an enumeration (API_KeySchemaElement, ' +
      'API_AttributeDefinition); dynalite does not look at all of them.',
  },
  {
    peers: dynalite,
    ours: /^ValidationException: ExpressionAttributeNames contains invalid value: Empty attribute name for key /,
    theirs:
      /^ValidationException: Invalid \w+: An expression attribute name used in the document path is not defined/,
    why: 'An empty name is refused as such (HowItWorks.NamingRulesDataTypes); dynalite takes it for none.',
  },
  {
    peers: both,
    operation: /^(?:CreateTable|UpdateTable)$/,
    ours: /^LimitExceededException: .* (?:maximum|exceed)/,
    theirs: /^(?:OK|ValidationException: Cannot increase provisioned throughput to more than .*)$/,
    why: 'An account has quotas (ServiceQuotas); the others know none.',
  },
  {
    peers: local,
    operation: /^TransactWriteItems$/,
    ours: /^TransactionCanceledException: .*ValidationError/,
    theirs: /^TransactionCanceledException: .*ValidationError/,
    why:
      'An action that does not fit its table cancels the transaction before conditions are evaluated, with a reason for ' +
      'every action (API_TransactWriteItems: CancellationReasons); DynamoDB Local evaluates some of them, or leaves them out.',
  },
  {
    peers: local,
    operation: /^(?:PutItem|UpdateItem|DeleteItem)$/,
    ours: /^ValidationException: Failed to satisfy constraint: Member must satisfy enum value set: \[ALL_OLD, /,
    theirs: /^OK$/,
    input: /"ReturnValues":""/,
    why: 'An empty text is no value of an enumeration (CommonErrors).',
  },
  {
    peers: dynalite,
    operation: /^UpdateItem$/,
    ours: /^ValidationException: Type mismatch for attribute to update$/,
    theirs: /^ConditionalCheckFailedException: /,
    input: /"ConditionalOperator":"OR"/,
    why: 'Conditions joined with OR hold if one does (LegacyConditionalParameters); dynalite joins all with AND.',
  },
  {
    peers: both,
    operation: /^Query$/,
    ours: /^ValidationException: ConditionalOperator can/,
    theirs:
      /^ValidationException: Either the KeyConditions or KeyConditionExpression parameter must be specified/,
    why: 'The newer layer looks at ConditionalOperator first of all (paritysuite: query).',
  },
];
