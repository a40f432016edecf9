import { comparable, stable } from './comparison.ts';
import { both, dynalite, type KnownDifference, local, type Output } from './known-difference.ts';

/** Of results, which are never allowed to differ otherwise. */
export const knownResults: readonly KnownDifference[] = [
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
    operation: /^(?:GetItem|TransactGetItems|Query|Scan|PutItem|UpdateItem|DeleteItem)$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: (ours, theirs) => withPlainNumbers(theirs) === stable(ours),
    why: 'Numbers in sets, and those of AttributeUpdates, are normalised like all others (HowItWorks.NamingRulesDataTypes).',
  },
  {
    peers: local,
    operation: /^DescribeTable$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: areTablesAlikeBut('AttributeDefinitions'),
    why: 'A table is described with the attributes of its keys and those of its indexes (API_TableDescription).',
  },
  {
    peers: dynalite,
    operation: /^DescribeTable$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: areTablesAlikeBut('AttributeDefinitions', 'GlobalSecondaryIndexes'),
    why: 'dynalite neither creates nor deletes indexes of a table that is there.',
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
    outputs: (_, __, { FilterExpression: a, QueryFilter: b, ScanFilter: c }) => (a ?? b ?? c) !== undefined,
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
  {
    peers: local,
    operation: /^GetItem$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    input: /"AttributeUpdates":.*:\{"Value":/,
    outputs: () => true,
    why: 'Without an Action it is PUT (API_AttributeValueUpdate); DynamoDB Local does nothing.',
  },
  {
    peers: local,
    operation: /^Scan$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: (_, __, { IndexName: index, FilterExpression: a, ScanFilter: b }) =>
      index !== undefined && (a ?? b) !== undefined,
    why: 'A filter sees what the index has, and fetches nothing more from the table (a Query with such a filter is refused).',
  },
  {
    peers: both,
    operation: /^Scan$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    outputs: (_, __, { TotalSegments: total }) => Number(total) > 1,
    why: 'Which items a segment has is not defined (API_Scan).',
  },
  {
    peers: local,
    operation: /^UpdateItem$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    input: /SET (?:[^"]*, )?(\w+)[.[][^=]* = \1[ ,"]/,
    outputs: () => true,
    why: 'DynamoDB Local confuses a document that is set into itself with the part of it that was there.',
  },
  {
    peers: local,
    operation: /^TransactGetItems$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    input: /REMOVE/,
    outputs: (ours, theirs) => withoutBareKeys(ours) === withoutBareKeys(theirs),
    why: 'An update that only removes makes no item where there is none; DynamoDB Local writes the key alone.',
  },
  {
    peers: dynalite,
    operation: /^(?:UpdateItem|GetItem)$/,
    ours: /^OK$/,
    theirs: /^OK$/,
    input: /"UpdateExpression":"(?=[^"]*\w = \w+[ ,"])(?=[^"]*\w[.[][^ ]* = )/,
    outputs: () => true,
    why: 'A document that is set to another one is a copy of it; dynalite keeps one for both.',
  },
];

function isAlikeBut(member: string) {
  return ({ [member]: _, ...ours }: Output, { [member]: __, ...theirs }: Output) =>
    stable(ours) === stable(theirs);
}

/** @param members of the table's description, which may differ. */
function areTablesAlikeBut(...members: readonly string[]) {
  const rest = ({ Table }: Output) => {
    const kept = Object.entries(Table as Output).filter(([name]) => !members.includes(name));
    return comparable({ output: { Table: Object.fromEntries(kept) } });
  };
  return (ours: Output, theirs: Output) => rest(ours) === rest(theirs);
}

/** With the numbers of cases that DynamoDB Local keeps as they came. */
function withPlainNumbers(output: Output): string {
  return stable(output)
    .replaceAll('1.0', '1')
    .replaceAll('2.50', '2.5')
    .replaceAll('10e2', '1000')
    .replaceAll('1e-130', `0.${'0'.repeat(129)}1`);
}

function withoutBareKeys({ Responses }: Output): string {
  return stable((Responses as Output[]).map(({ Item }) => (isBareKey(Item) ? {} : { Item })));
}

/** Of the tables that cases write to. */
function isBareKey(item: unknown): boolean {
  return item !== undefined && Object.keys(item as object).every((name) => name === 'p' || name === 's');
}
