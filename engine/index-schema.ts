import { getAttribute, type Item, setAttribute, valueSize } from '../protocol/attribute-value.ts';
import type { KeyAttribute, KeySchema } from '../protocol/key.ts';
import type { AttributeDefinitions, IndexDefinition, KeySchemaElements } from './table-definition.ts';

/** A secondary index and what follows from its definition, made once. */
export class Index {
  readonly definition: IndexDefinition;
  /** The HASH attributes; one, or up to four in a global index. */
  readonly partition: readonly KeyAttribute[];
  /** The RANGE attributes, the most significant first; none, one, or up to four. */
  readonly sort: readonly KeyAttribute[];
  /** Both, in this order. */
  readonly keyAttributes: readonly KeyAttribute[];
  /** The attributes that entries have, keys included; undefined if all. */
  readonly #projectedNames: readonly string[] | undefined;

  constructor(definition: IndexDefinition, table: KeySchema, attributeDefinitions: AttributeDefinitions) {
    const { keySchema, projection } = definition;
    this.definition = definition;
    this.partition = keyAttributesOf(ofType(keySchema, 'HASH'), attributeDefinitions);
    this.sort = keyAttributesOf(ofType(keySchema, 'RANGE'), attributeDefinitions);
    this.keyAttributes = [...this.partition, ...this.sort];
    this.#projectedNames =
      projection.ProjectionType === 'ALL'
        ? undefined
        : namesOf([...tableKey(table), ...this.keyAttributes], projection.NonKeyAttributes ?? []);
  }

  get number(): number {
    return this.definition.number;
  }

  get name(): string {
    return this.definition.name;
  }

  get isGlobal(): boolean {
    return this.definition.kind === 'GLOBAL';
  }

  get projectsAll(): boolean {
    return this.#projectedNames === undefined;
  }

  /**
   * Whether the item has all key attributes of the index, of their types and within the limits. Others are not in it:
   * an item older than the index can have anything there (AWS: GSI.OnlineOps.ViolationDetection).
   */
  contains(item: Item): boolean {
    return (
      haveKeyValues(this.partition, item, partitionKeyBytesMax) &&
      haveKeyValues(this.sort, item, sortKeyBytesMax)
    );
  }

  projects(attributeName: string): boolean {
    return this.#projectedNames === undefined || this.#projectedNames.includes(attributeName);
  }

  /** What the index has of an item. */
  projected(item: Item): Item {
    if (this.#projectedNames === undefined) return item;
    const projected: Item = {};
    for (const name of this.#projectedNames) {
      const value = getAttribute(item, name);
      if (value !== undefined) setAttribute(projected, name, value);
    }
    return projected;
  }
}

/** The limits of a table's key (AWS: Constraints); the attributes of an index key share them. */
export const partitionKeyBytesMax = 2048;
export const sortKeyBytesMax = 1024;

function haveKeyValues(attributes: readonly KeyAttribute[], item: Item, bytesMax: number): boolean {
  let bytes = 0;
  for (const { name, type } of attributes) {
    const value = getAttribute(item, name);
    if (value === undefined || !(type in value)) return false;
    const size = valueSize(value);
    if (size === 0) return false;
    bytes += size;
  }
  return bytes <= bytesMax;
}

/** @throws Error if an attribute has no definition, which validation has excluded. */
export function keyAttributesOf(
  keySchema: KeySchemaElements,
  definitions: AttributeDefinitions,
): KeyAttribute[] {
  return keySchema.map(({ AttributeName: name }) => {
    const definition = definitions.find((candidate) => candidate.AttributeName === name);
    if (definition === undefined) throw new Error(`key attribute ${name} has no definition`);
    return { name, type: definition.AttributeType };
  });
}

/** The definitions that the keys of a table and its indexes need; the first of a name counts. */
export function definitionsFor(
  tableKey: KeySchemaElements,
  indexes: readonly IndexDefinition[],
  definitions: AttributeDefinitions,
): AttributeDefinitions {
  const names = new Set(
    [tableKey, ...indexes.map(({ keySchema }) => keySchema)].flat().map((key) => key.AttributeName),
  );
  return [...names].flatMap(
    (name) => definitions.find((definition) => definition.AttributeName === name) ?? [],
  );
}

function ofType(keySchema: KeySchemaElements, type: 'HASH' | 'RANGE'): KeySchemaElements {
  return keySchema.filter((element) => element.KeyType === type);
}

function tableKey({ partition, sort }: KeySchema): KeyAttribute[] {
  return sort === undefined ? [partition] : [partition, sort];
}

function namesOf(keys: readonly KeyAttribute[], others: readonly string[]): string[] {
  return [...new Set([...keys.map(({ name }) => name), ...others])];
}
