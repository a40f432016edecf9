import { type CapacityKind, consumedCapacity, type ReturnConsumedCapacity } from '../../protocol/capacity.ts';
import { type Output, Reply } from '../../protocol/reply.ts';

/** What a transaction costs, table by table, in the order in which its actions name them. */
export class TransactionCapacity {
  readonly #kind: CapacityKind;
  readonly #mode: ReturnConsumedCapacity;
  readonly #units = new Map<string, number>();

  constructor(kind: CapacityKind, mode: ReturnConsumedCapacity = 'NONE') {
    this.#kind = kind;
    this.#mode = mode;
  }

  /** @param tableName as the request has it: a name or an ARN. */
  add(tableName: string, units: number): void {
    this.#units.set(tableName, (this.#units.get(tableName) ?? 0) + units);
  }

  /** The reply with these members, and with what they have cost if the request asks for that. */
  reply(output: Output): Reply {
    if (this.#mode === 'NONE') return new Reply(output);
    const capacities = Array.from(this.#units, ([name, units]) =>
      consumedCapacity(this.#mode, name, units, this.#kind),
    );
    return new Reply({ ...output, ConsumedCapacity: capacities });
  }
}
