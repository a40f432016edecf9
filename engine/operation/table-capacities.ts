import {
  type CapacityKind,
  type ConsumedCapacity,
  consumedCapacity,
  type ReturnConsumedCapacity,
  type Units,
} from '../../protocol/capacity.ts';
import { type Output, Reply } from '../../protocol/reply.ts';

/** What an operation on several tables costs, table by table, in the order in which the request names them. */
export class TableCapacities {
  readonly #mode: ReturnConsumedCapacity;
  readonly #kind: CapacityKind;
  readonly #tables = new Map<string, TableUnits>();

  constructor(mode: ReturnConsumedCapacity | undefined, kind: CapacityKind) {
    this.#mode = mode ?? 'NONE';
    this.#kind = kind;
  }

  /** @param tableName as the request has it: a name or an ARN. */
  add(tableName: string, units: Units): void {
    if (this.#mode === 'NONE') return;
    let sums = this.#tables.get(tableName);
    if (sums === undefined) {
      sums = { table: 0, local: new Map(), global: new Map() };
      this.#tables.set(tableName, sums);
    }
    sums.table += units.table;
    addEach(sums.local, units.local);
    addEach(sums.global, units.global);
  }

  /** The reply with these members, and with what they have cost if the request asks for that. */
  reply(output: Output): Reply {
    if (this.#mode === 'NONE') return new Reply(output);
    return new Reply({ ...output, ConsumedCapacity: this.#consumed() });
  }

  #consumed(): (ConsumedCapacity | undefined)[] {
    return Array.from(this.#tables, ([name, units]) => consumedCapacity(this.#mode, name, units, this.#kind));
  }
}

interface TableUnits {
  table: number;
  readonly local: Map<string, number>;
  readonly global: Map<string, number>;
}

function addEach(sums: Map<string, number>, units: ReadonlyMap<string, number> = new Map()): void {
  for (const [name, cost] of units) sums.set(name, (sums.get(name) ?? 0) + cost);
}
