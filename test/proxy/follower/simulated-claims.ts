import type { Clock } from '../../../protocol/clock.ts';
import type { Claim, Claims } from '../../../proxy/follower/claims.ts';
import type { Position, StreamPositions } from '../../../proxy/follower/followed-table.ts';

/** What several processes have in common of one table. */
export class ClaimedTable {
  owner: number | undefined;
  claimedUntilMs = 0;
  positions: { streamArn: string; shards: Map<string, Position> } | undefined;
  goodUntilMs = 0;

  /** Positions that have expired do not come back. */
  expire(nowMs: number): void {
    if (nowMs >= this.goodUntilMs) this.positions = undefined;
  }
}

/** The claims of one process among several. */
export class SimulatedClaims implements Claims {
  readonly claimMs = 5_000;
  readonly #table: ClaimedTable;
  readonly #process: number;
  readonly #clock: Clock;

  constructor(table: ClaimedTable, process: number, clock: Clock) {
    this.#table = table;
    this.#process = process;
    this.#clock = clock;
  }

  async claim(_tableId: string, isSound: boolean): Promise<Claim> {
    const nowMs = this.#clock.monotonic();
    this.#table.expire(nowMs);
    if (this.#table.owner !== this.#process && nowMs < this.#table.claimedUntilMs) return 'other';
    this.#table.owner = this.#process;
    this.#table.claimedUntilMs = nowMs + this.claimMs;
    if (isSound) this.#table.goodUntilMs = nowMs + 15_000;
    return 'held';
  }

  async release(): Promise<void> {
    if (this.#isOwner()) this.#table.claimedUntilMs = 0;
  }

  async positions(_tableId: string): Promise<StreamPositions | undefined> {
    this.#table.expire(this.#clock.monotonic());
    const { positions } = this.#table;
    return positions && { streamArn: positions.streamArn, shards: new Map(positions.shards) };
  }

  async store(_tableId: string, positions: StreamPositions | undefined): Promise<void> {
    if (!this.#isOwner()) return;
    this.#table.positions = positions && { ...positions, shards: new Map(positions.shards) };
    this.#table.goodUntilMs = this.#clock.monotonic() + 15_000;
  }

  async advance(_tableId: string, shardId: string, position: Position): Promise<boolean> {
    if (!this.#isOwner()) return true;
    this.#table.expire(this.#clock.monotonic());
    if (this.#table.positions === undefined) return false;
    this.#table.positions.shards.set(shardId, position);
    return true;
  }

  #isOwner(): boolean {
    return this.#table.owner === this.#process;
  }
}
