import type { Clock } from '../../../protocol/clock.ts';
import type { Masters } from './masters.ts';
import type { ItemNames } from './names.ts';
import { raiseStep } from './steps.ts';
import type { TableVersions, VoidScope } from './table-versions.ts';

/**
 * Fences and holds for writes that were not answered, kept up until the store cannot apply them any more: Redis may
 * lose them by eviction, with a process, or by being emptied. At their end there is one more drop, in case that what
 * was kept while they were lost is from before the write.
 */
export class Unanswered {
  readonly #masters: Masters;
  readonly #versions: TableVersions;
  readonly #clock: Clock;
  readonly #settleMs: () => number;
  readonly #end: EndOfUnanswered;
  /** By the fence's id. */
  readonly #fences = new Map<string, UnansweredFence>();
  readonly #holds = new Map<string, Hold>();

  constructor(masters: Masters, versions: TableVersions, { clock, settleMs, ...end }: UnansweredOptions) {
    this.#masters = masters;
    this.#versions = versions;
    this.#clock = clock;
    this.#settleMs = settleMs;
    this.#end = end;
  }

  /** @returns undefined if there are too many: then the table has to be held instead. */
  fence(fence: UnansweredFence): Promise<void> | undefined {
    if (this.#fences.size >= fencesMax) return undefined;
    this.#fences.set(fence.id, fence);
    return this.#keepFence(fence);
  }

  /** The table was voided; what its void holds is to be held until then. */
  hold(tableId: string, scope: VoidScope, untilMs: number): void {
    const before = this.#holds.get(tableId);
    const all = scope === 'all' || before?.scope === 'all';
    const lastMs = Math.max(untilMs, before?.untilMs ?? 0);
    this.#holds.set(tableId, { scope: all ? 'all' : 'pages', untilMs: lastMs });
  }

  /** Raises and holds again what may have been lost, and ends what is over. */
  async keepUp(): Promise<void> {
    await Promise.all([
      ...[...this.#fences.values()].map((fence) => this.#keepFence(fence)),
      ...[...this.#holds].map(([tableId, hold]) => this.#keepHold(tableId, hold)),
    ]);
  }

  get size(): number {
    return this.#fences.size + this.#holds.size;
  }

  /** One that is not delivered is tried again by the next `keepUp`. */
  async #keepFence(fence: UnansweredFence): Promise<void> {
    const leftMs = fence.untilMs - this.#clock.monotonic();
    if (leftMs > 0) {
      const { value, token, fences, marker } = fence.names;
      await this.#masters.runAnywhere(
        raiseStep,
        [value, token, fences, marker],
        [fence.id, Math.ceil(leftMs) + this.#settleMs()],
      );
    } else if (this.#fences.delete(fence.id)) {
      await this.#end.fence(fence);
    }
  }

  async #keepHold(tableId: string, hold: Hold): Promise<void> {
    const leftMs = hold.untilMs - this.#clock.monotonic();
    if (leftMs <= 0) {
      this.#holds.delete(tableId);
      await this.#end.hold(tableId, hold.scope);
      return;
    }
    const record = await this.#versions.check(tableId);
    if (record === undefined) return;
    const heldMs = hold.scope === 'all' ? record?.heldMs : record?.pagesHeldMs;
    if (heldMs === undefined || heldMs < leftMs - driftMs) {
      await this.#versions.void(tableId, hold.scope, leftMs);
    }
  }
}

export interface UnansweredOptions extends EndOfUnanswered {
  readonly clock: Clock;
  /** As of `RedisCacheOptions`: a fence that nobody lowers stands for so long after its write is over. */
  readonly settleMs: () => number;
}

/** Each has to make sure that what it drops is dropped. */
export interface EndOfUnanswered {
  fence(fence: UnansweredFence): Promise<void>;
  hold(tableId: string, scope: VoidScope): Promise<void>;
}

export interface UnansweredFence {
  readonly id: string;
  readonly tableId: string;
  readonly key: string;
  readonly names: ItemNames;
  /** By the monotonic clock. */
  readonly untilMs: number;
}

interface Hold {
  readonly scope: VoidScope;
  readonly untilMs: number;
}

/** Fences kept up, each by a step a second; above that, whole tables are held. */
const fencesMax = 1_000;
/** How far Redis' clock and the time that a step takes may make a hold look shorter than it is. */
const driftMs = 500;
