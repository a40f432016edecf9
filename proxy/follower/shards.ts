import type { Position } from './followed-table.ts';
import type { ListedShard } from './streams-api.ts';

export interface Shard {
  readonly id: string;
  readonly parentId: string | undefined;
  /** Before then it was not there. All times here are those of the monotonic clock. */
  readonly sinceMs: number;
  position: Position;
  isBeingRead: boolean;
  /** Of the next page; undefined where one has to be got for the position. */
  iterator: string | undefined;
  /** When a page of it was last delivered; before that, when its reading began; after that, when it had ended. */
  progressAtMs: number;
  /** What was written to it before then has been delivered, as far as the store's clock can be believed. */
  currentAtMs: number;
  /** Whether it has delivered a page here. */
  hasBeenRead: boolean;
}

/** How long the children of a closed shard may take to be listed; after that, it is taken to have none. */
export const childrenMsMax = 60_000;

/**
 * The shards of one stream and their lineage. A shard is read once its parent has ended; one whose parent is not
 * known, at once.
 */
export class Shards {
  readonly #shards = new Map<string, Shard>();
  /** The ids of those that are some shard's parent. */
  readonly #parents = new Set<string>();

  all(): IterableIterator<Shard> {
    return this.#shards.values();
  }

  /**
   * @param sinceMs when those that are new were not there, or did not matter, yet.
   * @param positionOf where to begin with one that is new.
   */
  meet(
    listed: readonly ListedShard[],
    sinceMs: number,
    positionOf: (shard: ListedShard) => Position = () => 'TRIM_HORIZON',
  ): void {
    for (const shard of listed) {
      if (!this.#shards.has(shard.id)) this.#add(shard, positionOf(shard), sinceMs);
    }
  }

  /** Shards that have ended and are listed no more, as nothing of them is kept. @returns whether there were any. */
  forgetTrimmed(listed: readonly ListedShard[]): boolean {
    const ids = new Set(listed.map(({ id }) => id));
    const before = this.#shards.size;
    for (const { id, position } of this.#shards.values()) {
      if (position !== 'ENDED' || ids.has(id)) continue;
      this.#shards.delete(id);
      this.#parents.delete(id);
    }
    return this.#shards.size < before;
  }

  /** Those that may be read now, and are not yet; from now on they count as being read. */
  takeReady(nowMs: number): Shard[] {
    const ready = [...this.#shards.values()].filter((shard) => this.#isReady(shard));
    for (const shard of ready) {
      shard.isBeingRead = true;
      shard.progressAtMs = nowMs;
    }
    return ready;
  }

  end(shard: Shard, nowMs: number): void {
    shard.position = 'ENDED';
    shard.iterator = undefined;
    shard.isBeingRead = false;
    shard.progressAtMs = nowMs;
  }

  /** Whether it has ended, and it is not known yet where its key range is written to now. */
  isAwaitingChildren({ id, position, progressAtMs }: Shard, nowMs: number): boolean {
    return position === 'ENDED' && !this.#parents.has(id) && nowMs - progressAtMs < childrenMsMax;
  }

  positions(): Map<string, Position> {
    return new Map([...this.#shards.values()].map(({ id, position }) => [id, position]));
  }

  /** Whether a page of each shard that may be read has been delivered. */
  get isCurrent(): boolean {
    return this.beingRead().every((shard) => shard.hasBeenRead);
  }

  beingRead(): Shard[] {
    return [...this.#shards.values()].filter((shard) => shard.isBeingRead);
  }

  awaitingChildren(nowMs: number): Shard[] {
    return [...this.#shards.values()].filter((shard) => this.isAwaitingChildren(shard, nowMs));
  }

  #add({ id, parentId }: ListedShard, position: Position, sinceMs: number): void {
    const parent = parentId === undefined ? undefined : this.#shards.get(parentId);
    if (parentId !== undefined) this.#parents.add(parentId);
    this.#shards.set(id, {
      id,
      parentId,
      sinceMs,
      position,
      isBeingRead: false,
      iterator: undefined,
      progressAtMs: sinceMs,
      currentAtMs: parent?.currentAtMs ?? sinceMs,
      hasBeenRead: false,
    });
  }

  #isReady({ position, isBeingRead, parentId }: Shard): boolean {
    if (position === 'ENDED' || isBeingRead) return false;
    const parent = parentId === undefined ? undefined : this.#shards.get(parentId);
    return parent === undefined || parent.position === 'ENDED';
  }
}
