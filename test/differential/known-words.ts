/**
 * The same fault in other words. DynamoDB Local and dynalite have texts of their own for some; the engine has AWS's, as
 * measured or as its documentation has them.
 */
interface KnownWords {
  readonly peer: 'DynamoDB Local' | 'dynalite' | 'both';
  readonly ours: RegExp;
  readonly theirs: RegExp;
}

/** @param theirs the text of an error of `peer`; `ours`, that of one of the engine's. */
export function isSameFault(peer: string, ours: string, theirs: string): boolean {
  const [own, others] = [withoutEnvelope(ours), withoutEnvelope(theirs)];
  if (own === others || own.replace(typeSet, '') === others.replace(typeSet, '')) return true;
  if (isSameOverlap(own, others) || isSameMember(own, others)) return true;
  return knownWords.some(
    (known) =>
      (known.peer === peer || known.peer === 'both') && known.ours.test(own) && known.theirs.test(others),
  );
}

/**
 * AWS reports what is wrong with a single write in the envelope of constraint errors, and names the types that ADD and
 * DELETE take (measured in all regions in October 2026); DynamoDB Local has no envelope, dynalite neither.
 */
export function withoutEnvelope(text: string): string {
  return text.replace(/^1 validation error detected: /, '');
}

const typeSet = /, typeSet: \w+$/;

/** Which pair of paths is named: AWS the first that overlaps, in the order of the text (measured). */
function isSameOverlap(ours: string, theirs: string): boolean {
  const overlap = /^Invalid \w+: Two document paths overlap with each other/;
  return overlap.test(ours) && overlap.exec(ours)?.[0] === overlap.exec(theirs)?.[0];
}

/**
 * One member breaks a constraint, of which the two name another one first, or more of them (AWS names up to ten at once:
 * CommonErrors; measured).
 */
function isSameMember(ours: string, theirs: string): boolean {
  const members = membersIn(theirs);
  return membersIn(ours).some((member) => members.includes(member));
}

function membersIn(text: string): string[] {
  return [...text.matchAll(/ at '([^']*)' failed to satisfy constraint/g)].map(([, path = '']) =>
    path.toLowerCase(),
  );
}

const at = (path: string) => new RegExp(` at '(?:[^']*\\.)?${path}' failed to satisfy constraint`, 'i');

const local = 'DynamoDB Local';
const dynalite = 'dynalite';
const numeric = /The parameter cannot be converted to a numeric value/;

const knownWords: readonly KnownWords[] = [
  // A member breaks a constraint.
  { peer: local, ours: at('(?:tableName|indexName|requestItems)'), theirs: /^Invalid table\/index name\. / },
  { peer: local, ours: at('requestItems'), theirs: /^BatchGetItem must have some requests set$/ },
  { peer: local, ours: at('indexName'), theirs: /^The table does not have the specified index: / },
  { peer: local, ours: at('comparisonOperator'), theirs: /^Comparison type does not exist in DynamoDB$/ },
  { peer: local, ours: at('attributeType'), theirs: /^Member must satisfy enum value set: \[B, N, S\]$/ },
  { peer: local, ours: at('projectionType'), theirs: /^Projection type must be INCLUDE, ALL, or KEYS_ONLY$/ },
  { peer: local, ours: at('projection'), theirs: /^Projection type must be INCLUDE, ALL, or KEYS_ONLY$/ },
  { peer: local, ours: at('select'), theirs: /^Select must be ALL_ATTRIBUTES, / },
  { peer: local, ours: at('item'), theirs: /^Item to put in PutItem cannot be null$/ },
  { peer: local, ours: at('key'), theirs: /^Cannot have null key for GetItem, DeleteItem, or UpdateItem$/ },
  { peer: local, ours: at('keys'), theirs: /^The list of keys in RequestItems for BatchGetItem is required/ },
  {
    peer: local,
    ours: at('requestItems'),
    theirs: /^The batch write request list for a table cannot be null/,
  },
  { peer: local, ours: at('segment'), theirs: /at 'segment' failed to satisfy constraint/ },
  {
    peer: local,
    ours: /at '(?:\w*Filter|keyConditions)\.\w*\.member\.comparisonOperator'/i,
    theirs: /^The filter condition for an attribute cannot be null/,
  },
  {
    peer: local,
    ours: at('attributeName'),
    theirs:
      /^AttributeName cannot be null when time to live|^Names of key attributes and attributes projected/,
  },
  {
    peer: local,
    ours: at('timeToLiveSpecification\\.enabled'),
    theirs: /^AttributeName cannot be null when/,
  },
  {
    peer: 'both',
    ours: /^Failed to satisfy constraint: Member must satisfy enum value set: \[ALL_OLD, /,
    theirs: /^Return values set to invalid value$| at 'returnValues' failed to satisfy constraint/,
  },
  {
    peer: 'both',
    ours: /^ReturnItemCollectionMetrics can only be SIZE or NONE$/,
    theirs: / at 'returnItemCollectionMetrics' failed to satisfy constraint/,
  },
  {
    peer: 'both',
    ours: /^Failed to satisfy constraint: Member must satisfy enum value set: \[ALL, OR\]/,
    theirs: / at 'conditionalOperator' failed to satisfy constraint/,
  },
  {
    peer: 'both',
    ours: /^The parameter 'TableName' is required but was not present in the request$/,
    theirs: / at 'tableName' failed to satisfy constraint: Member must not be null/,
  },
  { peer: dynalite, ours: at('tableName'), theirs: /^TableName must be at least 3 characters long / },
  { peer: dynalite, ours: at('requestItems'), theirs: /^TableName must be at least 3 characters long / },
  {
    peer: local,
    ours: /^The Segment parameter is zero-based and must be less than parameter TotalSegments/,
    theirs: / at 'segment' failed to satisfy constraint: Member must have value less than or equal to /,
  },
  {
    peer: local,
    ours: /^The (?:TotalSegments|Segment) parameter is required but was not present/,
    theirs: /^If (?:segment|total segments) is specified, /,
  },
  {
    peer: local,
    ours: /^The requestItems parameter is required for BatchWriteItem$/,
    theirs: /^Batch write request must have some requests set|^The batch write request list/,
  },

  { peer: local, ours: at('requestItems'), theirs: /^BatchWriteItem cannot have a null or no requests set$/ },
  { peer: local, ours: at('key'), theirs: /^The supplied Item contains a null AttributeValue/ },
  { peer: local, ours: at('returnValues'), theirs: /^Return values set to invalid value$/ },

  { peer: local, ours: at('action'), theirs: /^Member must satisfy enum value set: \[ADD, DELETE, PUT\]$/ },

  { peer: local, ours: at('item'), theirs: /^The supplied Item contains a null AttributeValue/ },
  { peer: local, ours: at('limit'), theirs: /^Limit must be greater than or equal to 1$/ },
  {
    peer: local,
    ours: /: Value must be provided when Exists is null for Attribute: /,
    theirs: /: ExpectedAttributeValue must not be null for Attribute: /,
  },

  // Parameters that do not go together. AWS names key and parameter in its older layer of checks only, which serves
  // BatchWriteItem, Scan and transactions (protocol/wording.ts).
  {
    peer: local,
    ours: /^ReturnValues can only be ALL_OLD or NONE$/,
    theirs: /^Return values set to invalid value$/,
  },
  {
    peer: 'both',
    ours: /^ExpressionAttributeValues can only be specified when using expressions$/,
    theirs: /^ExpressionAttributeValues can only be specified when using expressions: .* (?:is|are) null$/,
  },
  {
    peer: 'both',
    ours: /^ExpressionAttributeNames can only be specified when using expressions$/,
    theirs: /^ExpressionAttributeNames can only be specified when using expressions/,
  },

  {
    peer: dynalite,
    ours: /^Can not use both expression and non-expression parameters/,
    theirs: /^Can not use both expression and non-expression parameters/,
  },

  // Values.
  {
    peer: 'both',
    ours: /^Supplied AttributeValue is empty, must contain exactly one of the supported datatypes$/,
    theirs: /^ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, /,
  },
  {
    peer: local,
    ours: /Supplied AttributeValue is empty, must contain exactly one of the supported datatypes/,
    theirs:
      /The supplied Item contains a null AttributeValue|^Invalid Attribute value\. Must contain exactly one/,
  },
  { peer: local, ours: /Supplied AttributeValue is empty/, theirs: /^Supplied AttributeValue is empty, / },
  {
    peer: 'both',
    ours: /^Supplied AttributeValue has more than one datatypes set/,
    theirs: /^ExpressionAttributeValues contains invalid value: Supplied AttributeValue has more than one/,
  },
  { peer: local, ours: numeric, theirs: /A value provided cannot be converted into a number/ },
  {
    peer: local,
    ours: /An number set {1,2}may not have a null string as a member/,
    theirs: /A value provided cannot be converted into a number/,
  },
  { peer: 'both', ours: numeric, theirs: numeric },
  { peer: local, ours: /more than 38 significant digits/, theirs: /only supports precision up to 38 digits/ },
  {
    peer: 'both',
    ours: /^Attempting to store more than 38 significant digits/,
    theirs: /^ExpressionAttributeValues contains invalid value: Attempting to store more than 38 significant/,
  },
  {
    peer: 'both',
    ours: /^Number (?:over|under)flow\. Attempting to store a number/,
    theirs: /^ExpressionAttributeValues contains invalid value: Number (?:over|under)flow\. /,
  },
  {
    peer: 'both',
    ours: /Input collection .*contains duplicates/,
    theirs: /Input collection .*contains duplicates/,
  },
  {
    peer: 'both',
    ours: /^One or more parameter values were invalid: (?:An (?:string|number) set|Binary sets should)/,
    theirs:
      /^ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: (?:An (?:string|number) set|Binary sets should)/,
  },
  {
    peer: local,
    ours: /^One or more parameter values were invalid: (?:An (?:string|number) set|Binary sets should)/,
    theirs: /^(?:ExpressionAttributeValues contains invalid value: )?Invalid attribute value type/,
  },
  {
    peer: 'both',
    ours: /^One or more parameter values were invalid: Null attribute value types must have the value of true$/,
    theirs: /Null attribute value types must have the value of true/,
  },

  // Expressions.
  {
    peer: local,
    ours: /^Invalid \w+: The BETWEEN operator requires same data type for lower and upper bounds; /,
    theirs: /^Invalid \w+: The BETWEEN operator requires same data type for lower and upper bounds; /,
  },
  {
    peer: local,
    ours: /^Invalid \w+: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; /,
    theirs:
      /^Invalid \w+: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; /,
  },
  {
    peer: 'both',
    ours: /^Invalid \w+: Invalid attribute type name found; type: /,
    theirs: /^Invalid \w+: Invalid attribute type name found; type: /,
  },
  {
    peer: dynalite,
    ours: /^Invalid \w+: Syntax error; token: /,
    theirs: /^Invalid \w+: Syntax error; Expected /,
  },
  { peer: local, ours: /^Invalid \w+: Syntax error; token: /, theirs: /^Invalid \w+: Syntax error; token: / },
  {
    peer: dynalite,
    ours: /^Invalid UpdateExpression: (?:Invalid function name|The function is not allowed)/,
    theirs: /^Invalid UpdateExpression: (?:Syntax error; Expected|Invalid function name|The function is not)/,
  },
  {
    peer: 'both',
    ours: /^Invalid UpdateExpression: Incorrect operand type for operator or function; operator: (?:ADD|DELETE), /,
    theirs:
      /^Invalid UpdateExpression: Incorrect operand type for operator or function; operator: (?:ADD|DELETE), /,
  },

  // Legacy parameters.
  {
    peer: local,
    ours: /: (?:ADD|DELETE) action (?:with value )?is not supported for the type \w+$/,
    theirs: /: (?:ADD|DELETE) action (?:with value )?is not supported for the type \w+$/,
  },
  {
    peer: local,
    ours: /: Duplicate value in attribute name: /,
    theirs: /^Cannot have two attributes with the same/,
  },
  {
    peer: local,
    ours: /^Attempted conditional constraint is not an indexable operation$/,
    theirs: /^Only scalar types can be used as Range Key values$/,
  },
  {
    peer: local,
    ours: /^Query condition missed key schema element: /,
    theirs: /^Query condition missed key schema element$/,
  },
  {
    peer: local,
    ours: /^Conditions can be of length 1 or 2 only$/,
    theirs: /^Conditions must be at least length 1$/,
  },

  // Keys.
  {
    peer: local,
    ours: /^One or more parameter values were invalid: Missing the key /,
    theirs: /^One of the required keys was not given a value$/,
  },
  {
    peer: local,
    ours: /^The provided key element does not match the schema$/,
    theirs:
      /^(?:The number of conditions on the keys is invalid|One of the required keys was not given a value|One or more parameter values were invalid: Type mismatch for key)$/,
  },
  {
    peer: local,
    ours: /^One or more parameter values were invalid: Type mismatch for (?:Index Key|key) /,
    theirs:
      /^(?:Invalid attribute value type|One or more parameter values were invalid: Type mismatch for (?:Index Key|key))$/,
  },
  {
    peer: local,
    ours: /does not project \[/,
    theirs: /does not project \[/,
  },

  {
    peer: local,
    ours: /^One or more parameter values are not valid\. The AttributeValue for a key attribute cannot contain an empty/,
    theirs:
      /^One or more parameter values are not valid\. A value specified for a secondary index key is not supported/,
  },

  {
    peer: dynalite,
    ours: /^One or more parameter values are not valid\. The AttributeValue for a key attribute cannot contain an empty/,
    theirs:
      /^One or more parameter values were invalid: The AttributeValue for a key attribute cannot contain an empty/,
  },

  {
    peer: local,
    ours: /^The provided key element does not match the schema$/,
    theirs: /^The list of keys in RequestItems for BatchGetItem may not contain null or empty values/,
  },

  // Tables.
  {
    peer: local,
    ours: /^Attribute Name is duplicated: /,
    theirs: /^Cannot have two attributes with the same name$/,
  },
  {
    peer: 'both',
    ours: /^At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, /,
    theirs:
      /^(?:Nothing to update$|At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, )/,
  },
  {
    peer: dynalite,
    ours: /: ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST$/,
    theirs:
      /: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST$/,
  },
  {
    peer: local,
    ours: /^TimeToLive is active on a different AttributeName: /,
    theirs: /^TimeToLive is active on a different AttributeName$/,
  },
  {
    peer: 'both',
    ours: /^Requested resource not found: (?:Table|Index)/,
    theirs: /^(?:Requested resource not found|Cannot do operations on a non-existent table)/,
  },
  {
    peer: local,
    ours: /^Requested resource not found$/,
    theirs: /^Cannot do operations on a non-existent table$/,
  },
];
