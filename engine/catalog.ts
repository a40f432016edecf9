import { resourceNotFound } from '../protocol/errors.ts';
import type { KeySchema } from '../protocol/key.ts';
import { tableNameOf } from '../protocol/table-name.ts';
import { checkTableArn } from '../protocol/validate/table-arn.ts';
import { Index, keyAttributesOf } from './index-schema.ts';
import type { Change } from './log/record.ts';
import type { LogMoment } from './stream/definition.ts';
import { StreamRegister } from './stream/register.ts';
import type { TableDefinition } from './table-definition.ts';

/** A definition and what follows from it, made once. */
export class Table {
  readonly definition: TableDefinition;
  readonly schema: KeySchema;
  /** Those that take part in writes: all but the ones that are being deleted. */
  readonly indexes: readonly Index[];

  constructor(definition: TableDefinition) {
    this.definition = definition;
    this.schema = keySchemaOf(definition);
    const kept = definition.indexes.filter((index) => index.status !== 'DELETING');
    this.indexes = kept.map((index) => new Index(index, this.schema, definition.attributeDefinitions));
  }

  get number(): number {
    return this.definition.number;
  }

  get name(): string {
    return this.definition.name;
  }

  /** The index of this name, whatever its status, but for one that is being deleted. */
  index(name: string): Index | undefined {
    return this.indexes.find((index) => index.definition.name === name);
  }

  /** Whether items can be read and written: from the end of CREATING to the begin of DELETING. */
  get servesItems(): boolean {
    return this.definition.status === 'ACTIVE' || this.definition.status === 'UPDATING';
  }
}

export type CatalogChange =
  | { readonly put: TableDefinition }
  | { readonly remove: number }
  /** Closes the shards of the stream of this number, and opens their children. */
  | { readonly roll: number };

/** The tables at one point of the log. */
export class Catalog {
  readonly #byName = new Map<string, Table>();
  readonly #byNumber = new Map<number, Table>();
  readonly streams: StreamRegister;
  #nextNumber = 1;

  constructor(streams = StreamRegister.empty()) {
    this.streams = streams;
  }

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
   * @throws ResourceNotFoundException; ValidationException, AccessDeniedException for an ARN of elsewhere
   */
  serving(region: string, nameOrArn: string): Table {
    checkTableArn(nameOrArn, region);
    const table = this.get(region, tableNameOf(nameOrArn));
    if (table === undefined || !table.servesItems) throw resourceNotFound();
    return table;
  }

  apply(change: CatalogChange, at: LogMoment): void {
    if ('roll' in change) {
      this.streams.roll(change.roll, at);
    } else if ('put' in change) {
      this.restore(change.put);
      this.streams.tableChanged(change.put, at);
    } else {
      this.#remove(change.remove);
      this.streams.tableRemoved(change.remove, at);
    }
  }

  /** Takes in a definition as it is, without looking at what has become of its stream. */
  restore(definition: TableDefinition): void {
    this.#put(new Table(definition));
  }

  #put(table: Table): void {
    this.#byName.set(qualifiedName(table.definition.region, table.name), table);
    this.#byNumber.set(table.number, table);
    for (const number of numbersOf(table.definition)) this.reserveNumbersBelow(number + 1);
  }

  #remove(number: number): void {
    const table = this.#byNumber.get(number);
    if (table === undefined) return;
    this.#byNumber.delete(number);
    this.#byName.delete(qualifiedName(table.definition.region, table.name));
  }
}

/** The numbers that have items, entries or sizes: the table's own, those of its indexes, and of its collections. */
export function numbersOf({ number, indexes, collections }: TableDefinition): number[] {
  const numbers = [number, ...indexes.map((index) => index.number)];
  return collections === undefined ? numbers : [...numbers, collections];
}

/** The numbers that a change takes out of use. @param catalog as it is before the change. */
export function numbersDropped(catalog: Catalog, change: CatalogChange): number[] {
  if ('roll' in change) return [];
  const before = catalog.byNumber('put' in change ? change.put.number : change.remove)?.definition;
  if (before === undefined) return [];
  const kept = 'put' in change ? numbersOf(change.put) : [];
  return numbersOf(before).filter((number) => !kept.includes(number));
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
  const [partition, sort] = keyAttributesOf(definition.keySchema, definition.attributeDefinitions);
  if (partition === undefined) throw new Error(`table ${definition.name} has no partition key`);
  return { partition, sort };
}
