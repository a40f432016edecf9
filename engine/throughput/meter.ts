import type { StateKey } from '../state/layout.ts';
import type { Billing } from '../table-definition.ts';
import type { KeyRanges, KeyRangesByDirection } from './key-ranges.ts';
import { type Direction, type LimitType, type Resource, throttled } from './throttled.ts';
import { type Call, type Limit, TokenBucket } from './token-bucket.ts';
import { WarmThroughput } from './warm-throughput.ts';

/** Spends the read units, or the write units, of a table or a global index, within its limits. */
export class Meter {
  readonly #direction: Direction;
  readonly #resource: Resource;
  readonly #limits: readonly TypedLimit[];
  /** There where single partition keys are limited too. */
  readonly #keyRanges: KeyRanges | undefined;

  /** @param previous under another definition: what was saved and owed there is kept, limit by limit. */
  constructor(
    direction: Direction,
    resource: Resource,
    keyRanges: KeyRangesByDirection | undefined,
    nowMs: number,
    previous: Meter | undefined,
  ) {
    this.#direction = direction;
    this.#resource = resource;
    this.#keyRanges = keyRanges?.[direction];
    const rates = ratesOf(resource.billing, direction, keyRanges !== undefined);
    this.#limits = rates.map((rate) =>
      limitOf(rate, nowMs, previous === undefined ? undefined : previous.#limits),
    );
  }

  /** Whether there is anything that it can be short of. */
  get isLimited(): boolean {
    return this.#limits.length > 0;
  }

  /** @param key of what is read or written, if that is of one partition key. @throws the error of `throttled`. */
  admit(call: Call, key: StateKey | undefined): void {
    for (const { type, limit } of this.#limits) {
      if (!limit.admits(call)) throw throttled(this.#resource, this.#direction, type);
    }
    if (key === undefined || this.#keyRanges === undefined || this.#keyRanges.admits(call, key)) return;
    throw throttled(this.#resource, this.#direction, 'KeyRangeThroughputExceeded');
  }

  spend(call: Call, key: StateKey | undefined, units: number): void {
    for (const { limit } of this.#limits) limit.spend(units);
    if (key !== undefined) this.#keyRanges?.spend(call, key, units);
  }
}

interface TypedLimit {
  readonly type: LimitType;
  readonly limit: Limit;
}

interface Rate {
  readonly type: LimitType;
  readonly unitsPerSecond: number;
}

/** @param isAll whether what AWS limits of itself counts too. */
function ratesOf(billing: Billing, direction: Direction, isAll: boolean): Rate[] {
  const isRead = direction === 'Read';
  if (billing.mode === 'PROVISIONED') {
    const unitsPerSecond = isRead ? billing.readUnits : billing.writeUnits;
    return [{ type: 'ProvisionedThroughputExceeded', unitsPerSecond }];
  }
  const { MaxReadRequestUnits: maxRead, MaxWriteRequestUnits: maxWrite } = billing.onDemandMaximum ?? {};
  const maximum = (isRead ? maxRead : maxWrite) ?? withoutMaximum;
  const warm = isRead ? billing.warm.readUnits : billing.warm.writeUnits;
  const rates: Rate[] = isAll
    ? [accountRate, { type: 'KeyRangeThroughputExceeded', unitsPerSecond: warm }]
    : [];
  return maximum === withoutMaximum
    ? rates
    : [{ type: 'MaxOnDemandThroughputExceeded', unitsPerSecond: maximum }, ...rates];
}

/** AWS: API_OnDemandThroughput. */
const withoutMaximum = -1;

/** What one on-demand table or index may be used for, of reads and of writes (AWS: ServiceQuotas). */
const accountRate: Rate = { type: 'AccountLimitExceeded', unitsPerSecond: 40_000 };

function limitOf(
  { type, unitsPerSecond }: Rate,
  nowMs: number,
  previous: readonly TypedLimit[] = [],
): TypedLimit {
  const kept = previous.find((candidate) => candidate.type === type);
  if (kept === undefined) return { type, limit: newLimit(type, unitsPerSecond, nowMs) };
  kept.limit.setRate(unitsPerSecond, nowMs);
  return kept;
}

function newLimit(type: LimitType, unitsPerSecond: number, nowMs: number): Limit {
  switch (type) {
    case 'KeyRangeThroughputExceeded':
      return new WarmThroughput(unitsPerSecond, nowMs);
    case 'AccountLimitExceeded':
      return new TokenBucket(unitsPerSecond, 1, nowMs);
    case 'ProvisionedThroughputExceeded':
    case 'MaxOnDemandThroughputExceeded':
      return new TokenBucket(unitsPerSecond, burstSeconds, nowMs);
  }
}

/** Unused capacity of so many seconds is kept (AWS: burst-adaptive-capacity). */
const burstSeconds = 300;
