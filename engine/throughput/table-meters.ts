import { tableArn } from '../../protocol/table-name.ts';
import type { Index } from '../index-schema.ts';
import type { TableDefinition } from '../table-definition.ts';
import type { KeyRangesByDirection } from './key-ranges.ts';
import { Meter } from './meter.ts';
import type { Resource } from './throttled.ts';

/** The meters of a table and its global indexes under one definition. */
export class TableMeters {
  readonly definition: TableDefinition;
  /** Whether there is anything that they can be short of. */
  readonly isLimited: boolean;
  readonly #own: Meters;
  /** By the numbers of the indexes. */
  readonly #indexes = new Map<number, Meters>();

  /** @param previous under another definition: what was saved and owed there is kept. */
  constructor(
    definition: TableDefinition,
    keyRanges: KeyRangesByDirection | undefined,
    nowMs: number,
    previous: TableMeters | undefined,
  ) {
    this.definition = definition;
    const arn = tableArn(definition.region, definition.name);
    const table: Resource = { type: 'Table', arn, billing: definition.billing };
    this.#own = newMeters(table, keyRanges, nowMs, previous === undefined ? undefined : previous.#own);
    for (const { number, name, billing } of definition.indexes) {
      if (billing === undefined) continue;
      const index: Resource = { type: 'Index', arn: `${arn}/index/${name}`, billing };
      this.#indexes.set(
        number,
        newMeters(
          index,
          keyRanges,
          nowMs,
          previous === undefined ? undefined : previous.#indexes.get(number),
        ),
      );
    }
    this.isLimited = [this.#own, ...this.#indexes.values()].some(
      ({ reads, writes }) => reads.isLimited || writes.isLimited,
    );
  }

  /** What an index spends from, or the table itself: a local index spends from its table. Undefined for one that is gone. */
  of(index?: Index): Meters | undefined {
    return index?.isGlobal === true ? this.#indexes.get(index.number) : this.#own;
  }
}

export interface Meters {
  readonly reads: Meter;
  readonly writes: Meter;
}

function newMeters(
  resource: Resource,
  keyRanges: KeyRangesByDirection | undefined,
  nowMs: number,
  previous: Meters | undefined,
): Meters {
  return {
    reads: new Meter('Read', resource, keyRanges, nowMs, previous?.reads),
    writes: new Meter('Write', resource, keyRanges, nowMs, previous?.writes),
  };
}
