import type { Answer } from './peer.ts';

type Output = Readonly<Record<string, unknown>>;

/**
 * An answer in one spelling: what has no order is sorted, and of a table's description only what every server can know is
 * left; of one that is being changed its name, as DescribeTable comes after it. Answers that mean the same are equal texts.
 */
export function comparable(answer: Answer): string {
  return stable('error' in answer ? { error: answer.error } : canonical(answer.output));
}

function canonical(output: Output): Output {
  const { Table, TableDescription, Responses, ConsumedCapacity, ...rest } = output;
  return {
    ...rest,
    Table: Table && description(Table as Output),
    TableDescription: TableDescription && { TableName: (TableDescription as Output).TableName },
    Responses: Responses && responses(Responses),
    ConsumedCapacity: ConsumedCapacity && capacities(ConsumedCapacity),
  };
}

/** A batch's items come in any order; those of a transaction in that of its gets. */
function responses(all: unknown): unknown {
  if (Array.isArray(all)) return all;
  return Object.fromEntries(
    Object.entries(all as Record<string, unknown[]>).map(([table, items]) => [
      table,
      items.map(stable).sort(),
    ]),
  );
}

function capacities(capacity: unknown): unknown {
  return Array.isArray(capacity) ? capacity.map(stable).sort() : capacity;
}

const knownMembers = ['TableName', 'KeySchema', 'IndexName'];

function description(table: Output): Output {
  const { ProvisionedThroughput: units, BillingModeSummary: billing, Projection: projection } = table;
  return {
    ...Object.fromEntries(Object.entries(table).filter(([name]) => knownMembers.includes(name))),
    DeletionProtectionEnabled: table.DeletionProtectionEnabled === true,
    AttributeDefinitions: sorted(table.AttributeDefinitions),
    BillingMode: (billing as Output | undefined)?.BillingMode ?? 'PROVISIONED',
    ReadCapacityUnits: (units as Output | undefined)?.ReadCapacityUnits ?? 0,
    WriteCapacityUnits: (units as Output | undefined)?.WriteCapacityUnits ?? 0,
    ProjectionType: (projection as Output | undefined)?.ProjectionType,
    NonKeyAttributes: sorted((projection as Output | undefined)?.NonKeyAttributes),
    LocalSecondaryIndexes: indexes(table.LocalSecondaryIndexes),
    GlobalSecondaryIndexes: indexes(table.GlobalSecondaryIndexes),
  };
}

function indexes(all: unknown): unknown {
  return (all as Output[] | undefined)
    ?.map((index) => stable({ ...description(index), BillingMode: '' }))
    .sort();
}

function sorted(elements: unknown): unknown {
  return (elements as unknown[] | undefined)?.map(stable).sort();
}

/** JSON in which equal things read the same: members and the elements of sets are sorted. */
export function stable(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stable).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const printed = members.map(([name, member]) => {
    const isSet = /^[SNB]S$/.test(name) && Array.isArray(member);
    return `${JSON.stringify(name)}:${stable(isSet ? [...member].sort() : member)}`;
  });
  return `{${printed.sort().join(',')}}`;
}
