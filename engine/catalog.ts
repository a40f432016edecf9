import { resourceNotFound } from '../protocol/errors.ts';
import type { KeyAttribute, KeySchema, KeyType } from '../protocol/key.ts';
import { regionOfTableArn, tableNameOf } from '../protocol/table-name.ts';
import type { Change } from './log/record.ts';

export type TableStatus = 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DELETING';

/** All that is kept of a table besides its items; a record of the log for every version. Never changed, only replaced. */
export interface TableDefinition {
  /** Names the table in keys and log records; never used again. */
  readonly number: number;
  /** AWS's TableId, a UUID. */
  readonly id: string;
  readonly region: string;
  readonly name: string;
  readonly status: TableStatus;
  readonly createdMs: number;
  readonly keySchema: readonly { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[];
  readonly attributeDefinitions: readonly {
    readonly AttributeName: string;
    readonly AttributeType: KeyType;
  }[];
  readonly billing: Billing;
  readonly deletionProtection: boolean;
}

export interface Billing {
  readonly mode: 'PROVISIONED' | 'PAY_PER_REQUEST';
  /** 0 for PAY_PER_REQUEST. */
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly lastIncreaseMs?: number;
  readonly lastDecreaseMs?: number;
  /** Of the UTC day of the last decrease. */
  readonly decreasesToday: number;
  readonly payPerRequestSinceMs?: number;
  readonly onDemandMaximum?: {
    readonly MaxReadRequestUnits?: number;
    readonly MaxWriteRequestUnits?: number;
  };
}

/** A definition and what follows from it, made once. */
export class Table {
  readonly definition: TableDefinition;
  readonly schema: KeySchema;

  constructor(definition: TableDefinition) {
    this.definition = definition;
    this.schema = keySchemaOf(definition);
  }

  get number(): number {
    return this.definition.number;
  }

  get name(): string {
    return this.definition.name;
  }

  /** Whether items can be read and written: from the end of CREATING to the begin of DELETING. */
  get servesItems(): boolean {
    return this.definition.status === 'ACTIVE' || this.definition.status === 'UPDATING';
  }
}

export type CatalogChange = { readonly put: TableDefinition } | { readonly remove: number };

/** The tables at one point of the log. */
export class Catalog {
  readonly #byName = new Map<string, Table>();
  readonly #byNumber = new Map<number, Table>();
  #nextNumber = 1;

  /** The number that the next new table gets. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  /** Keeps the numbers of tables that are gone from being used again. */
  reserveNumbersBelow(number: number): void {
    this.#nextNumber = Math.max(this.#nextNumber, number);
  }

  get(region: string, name: string): Table | undefined {
    return this.#byName.get(qualifiedName(region, name));
  }

  byNumber(number: number): Table | undefined {
    return this.#byNumber.get(number);
  }

  all(): Iterable<Table> {
    return this.#byNumber.values();
  }

  /**
   * The table whose items a call may touch.
   * @throws ResourceNotFoundException also for the ARN of a table in another region
   */
  serving(region: string, nameOrArn: string): Table {
    const table =
      (regionOfTableArn(nameOrArn) ?? region) === region
        ? this.get(region, tableNameOf(nameOrArn))
        : undefined;
    if (table === undefined || !table.servesItems) throw resourceNotFound();
    return table;
  }

  apply(change: CatalogChange): void {
    if ('put' in change) this.#put(new Table(change.put));
    else this.#remove(change.remove);
  }

  #put(table: Table): void {
    this.#byName.set(qualifiedName(table.definition.region, table.name), table);
    this.#byNumber.set(table.number, table);
    this.reserveNumbersBelow(table.number + 1);
  }

  #remove(number: number): void {
    const table = this.#byNumber.get(number);
    if (table === undefined) return;
    this.#byNumber.delete(number);
    this.#byName.delete(qualifiedName(table.definition.region, table.name));
  }
}

export function catalogRecord(change: CatalogChange): Change {
  return { kind: 'catalog', json: JSON.stringify(change) };
}

export function readCatalogRecord(json: string): CatalogChange {
  return JSON.parse(json) as CatalogChange;
}

/** Regions are validated not to hold a slash. */
function qualifiedName(region: string, name: string): string {
  return `${region}/${name}`;
}

function keySchemaOf(definition: TableDefinition): KeySchema {
  const [partition, sort] = definition.keySchema.map(({ AttributeName: name }): KeyAttribute => {
    const attribute = definition.attributeDefinitions.find((candidate) => candidate.AttributeName === name);
    if (attribute === undefined)
      throw new Error(`table ${definition.name}: key attribute ${name} has no definition`);
    return { name, type: attribute.AttributeType };
  });
  if (partition === undefined) throw new Error(`table ${definition.name} has no partition key`);
  return { partition, sort };
}
