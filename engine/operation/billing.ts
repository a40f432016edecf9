import { limitExceeded } from '../../protocol/errors.ts';
import type {
  BillingMode,
  OnDemandThroughput,
  ProvisionedThroughput,
  WarmThroughput,
} from '../../protocol/operation.ts';
import type { Billing, OnDemandMaximum, WarmUnits } from '../table-definition.ts';

/** What a request says of the capacity of a table or an index. */
export interface Capacities {
  readonly BillingMode?: BillingMode;
  readonly ProvisionedThroughput?: ProvisionedThroughput;
  readonly OnDemandThroughput?: OnDemandThroughput;
  readonly WarmThroughput?: WarmThroughput;
}

/** @param mode the table's, also for an index; PROVISIONED where absent. */
export function newBilling(input: Capacities, mode: BillingMode | undefined, timeMs: number): Billing {
  const onDemand = mode === 'PAY_PER_REQUEST';
  const units = {
    readUnits: input.ProvisionedThroughput?.ReadCapacityUnits ?? 0,
    writeUnits: input.ProvisionedThroughput?.WriteCapacityUnits ?? 0,
  };
  return {
    mode: onDemand ? 'PAY_PER_REQUEST' : 'PROVISIONED',
    ...units,
    decreasesToday: 0,
    ...(onDemand && { payPerRequestSinceMs: timeMs }),
    payPerRequestChangesMs: [],
    ...withMaximum({}, input.OnDemandThroughput),
    warm: warmer(onDemand ? initialWarmUnits : units, input.WarmThroughput),
  };
}

/**
 * The billing of a table as UpdateTable makes it; the request has been checked against it.
 * @throws LimitExceededException if units are decreased, or the mode is changed, too often
 */
export function changedTableBilling(input: Capacities, billing: Billing, timeMs: number): Billing {
  const { BillingMode: mode = billing.mode } = input;
  if (mode === billing.mode) return changedCapacity(input, billing, timeMs);
  if (mode === 'PROVISIONED') return provisioned(input, billing);
  const recentMs = billing.payPerRequestChangesMs.filter((ms) => ms > timeMs - dayMs);
  if (recentMs.length >= payPerRequestChangesMax) throw tooManyChanges(recentMs);
  const onDemand = onDemandBilling(input, billing);
  const changed = { ...onDemand, payPerRequestChangesMs: [...recentMs, timeMs] };
  return {
    ...changed,
    // AWS shows the change as if it were a decrease, but only as long as it lasts.
    lastDecreaseMs: timeMs,
    decreasesToday: decreasesUntil(billing, timeMs),
    change: {
      of: 'mode',
      result: {
        ...changed,
        payPerRequestSinceMs: timeMs,
        warm: atLeast(billing.warm, initialWarmUnits),
      },
    },
  };
}

/**
 * The billing of an index as UpdateTable makes it.
 * @param input its BillingMode is what the table changes to, if it does.
 * @throws LimitExceededException if units are decreased too often
 */
export function changedIndexBilling(input: Capacities, billing: Billing, timeMs: number): Billing {
  const { BillingMode: mode = billing.mode } = input;
  if (mode === billing.mode) return changedCapacity(input, billing, timeMs);
  if (mode === 'PROVISIONED') return provisioned(input, billing);
  const onDemand = onDemandBilling(input, billing);
  const decreasesToday = decreasesUntil(billing, timeMs) + 1;
  const warm = atLeast(billing.warm, initialWarmUnits);
  const result = { ...onDemand, lastDecreaseMs: timeMs, decreasesToday, warm };
  return { ...onDemand, change: { of: 'mode', result } };
}

/** What it is when all that is under way is over. */
export function settledBilling(billing: Billing): Billing {
  const { onDemandMaximum, ...settled } = billing.change?.result ?? billing;
  return { ...settled, ...withMaximum({}, setMembers(onDemandMaximum)) };
}

export function isSettled({ change, onDemandMaximum }: Billing): boolean {
  return change === undefined && setMembers(onDemandMaximum) === onDemandMaximum;
}

/** Whether its units are changing, with the mode or alone. */
export function hasUnitsChanging({ change }: Billing): boolean {
  return change !== undefined && change.of !== 'warm';
}

/** Decreases are counted by UTC day (AWS: ServiceQuotas). */
export function decreasesUntil({ lastDecreaseMs, decreasesToday }: Billing, timeMs: number): number {
  const sameDay = lastDecreaseMs !== undefined && utcDay(lastDecreaseMs) === utcDay(timeMs);
  return sameDay ? decreasesToday : 0;
}

/** What a new on-demand table answers at once (AWS: on-demand-capacity-mode). */
const initialWarmUnits: WarmUnits = { readUnits: 12_000, writeUnits: 4_000 };

/** Changes to PAY_PER_REQUEST within 24 hours (AWS: ServiceQuotas). */
const payPerRequestChangesMax = 4;

/** Decreases of a day that need not wait; each one after them waits for an hour (AWS: ServiceQuotas). */
const freeDecreases = 4;
const decreaseIntervalMs = 3_600_000;
const dayMs = 86_400_000;

function changedCapacity(input: Capacities, billing: Billing, timeMs: number): Billing {
  const { ProvisionedThroughput: units, OnDemandThroughput: maximum, WarmThroughput: warm } = input;
  const withUnits = units === undefined ? billing : changedUnits(units, settledBilling(billing), timeMs);
  const limited = maximum === undefined ? withUnits : limitedBilling(maximum, withUnits);
  return warm === undefined ? limited : warmingBilling(warm, limited);
}

/** The units stay what they are until the change is over. */
function changedUnits(
  { ReadCapacityUnits: readUnits, WriteCapacityUnits: writeUnits }: ProvisionedThroughput,
  billing: Billing,
  timeMs: number,
): Billing {
  const increases = readUnits > billing.readUnits || writeUnits > billing.writeUnits;
  const decreases = readUnits < billing.readUnits || writeUnits < billing.writeUnits;
  const decreasesToday = decreasesUntil(billing, timeMs);
  if (decreases) refuseDecreaseTooSoon(billing, decreasesToday, timeMs);
  const shown = {
    ...billing,
    decreasesToday,
    ...(increases && { lastIncreaseMs: timeMs }),
    ...(decreases && { lastDecreaseMs: timeMs }),
  };
  const result = {
    ...shown,
    readUnits,
    writeUnits,
    decreasesToday: decreasesToday + (decreases ? 1 : 0),
    warm: atLeast(billing.warm, { readUnits, writeUnits }),
  };
  return { ...shown, change: { of: 'units', result } };
}

/** Shown at once, with the units that the request has to bring. */
function provisioned({ ProvisionedThroughput: units }: Capacities, billing: Billing): Billing {
  const { onDemandMaximum: _dropped, ...kept } = settledBilling(billing);
  const changed: Billing = {
    ...kept,
    mode: 'PROVISIONED',
    readUnits: units?.ReadCapacityUnits ?? 0,
    writeUnits: units?.WriteCapacityUnits ?? 0,
  };
  return { ...changed, change: { of: 'mode', result: { ...changed, warm: atLeast(kept.warm, changed) } } };
}

function onDemandBilling({ OnDemandThroughput: maximum }: Capacities, billing: Billing): Billing {
  const kept = settledBilling(billing);
  return { ...withMaximum(kept, maximum), mode: 'PAY_PER_REQUEST', readUnits: 0, writeUnits: 0 };
}

/** Members that are absent stay as they are (AWS: API_OnDemandThroughput). */
function limitedBilling(maximum: OnDemandMaximum, billing: Billing): Billing {
  const limited = withMaximum(billing, { ...billing.onDemandMaximum, ...maximum });
  const { change } = billing;
  if (change === undefined) return limited;
  return { ...limited, change: { ...change, result: limitedBilling(maximum, change.result) } };
}

/** Of two changes under way at once, the second replaces the first. */
function warmingBilling(warm: WarmThroughput, billing: Billing): Billing {
  const pending = billing.change?.result ?? billing;
  const { change: _replaced, ...kept } = billing;
  return { ...kept, change: { of: 'warm', result: { ...kept, warm: warmer(pending.warm, warm) } } };
}

function withMaximum<T extends object>(
  billing: T,
  maximum: OnDemandMaximum | undefined,
): T & Pick<Billing, 'onDemandMaximum'> {
  const isEmpty = maximum === undefined || Object.keys(maximum).length === 0;
  return isEmpty ? billing : { ...billing, onDemandMaximum: maximum };
}

/** Without the members that set no maximum; the very object if there are none. */
function setMembers(maximum: OnDemandMaximum | undefined): OnDemandMaximum | undefined {
  if (maximum === undefined || !Object.values(maximum).includes(-1)) return maximum;
  return Object.fromEntries(Object.entries(maximum).filter(([, units]) => units !== -1));
}

function warmer(units: WarmUnits, warm: WarmThroughput = {}): WarmUnits {
  return atLeast(units, {
    readUnits: warm.ReadUnitsPerSecond ?? 0,
    writeUnits: warm.WriteUnitsPerSecond ?? 0,
  });
}

function atLeast(a: WarmUnits, b: WarmUnits): WarmUnits {
  return {
    readUnits: Math.max(a.readUnits, b.readUnits),
    writeUnits: Math.max(a.writeUnits, b.writeUnits),
  };
}

function refuseDecreaseTooSoon(
  { lastDecreaseMs = 0 }: Billing,
  decreasesToday: number,
  timeMs: number,
): void {
  if (decreasesToday < freeDecreases) return;
  const nextMs = Math.min(lastDecreaseMs + decreaseIntervalMs, (utcDay(timeMs) + 1) * dayMs);
  if (timeMs >= nextMs) return;
  throw limitExceeded(
    'Provisioned throughput decreases are limited within a given UTC day. ' +
      `After the first ${freeDecreases} decreases, each subsequent decrease in the same UTC day can be performed ` +
      `at most once every ${decreaseIntervalMs / 1000} seconds. Number of decreases today: ${decreasesToday}. ` +
      `Last decrease at ${longDate(lastDecreaseMs)}. Next decrease can be made at ${longDate(nextMs)}`,
  );
}

function tooManyChanges(recentMs: readonly number[]): Error {
  const [firstMs = 0] = recentMs;
  return limitExceeded(
    `Update to PayPerRequest mode are limited to ${payPerRequestChangesMax} times in 1 day(s). ` +
      `Last update at ${javaDate(recentMs.at(-1) ?? 0)}. Next update can be made at ${javaDate(firstMs + dayMs)}`,
  );
}

const longDateFormat = new Intl.DateTimeFormat('en-US', {
  dateStyle: 'full',
  timeStyle: 'full',
  timeZone: 'UTC',
});

/** As AWS's texts have it: `Friday, October 9, 2026 at 1:21:34 AM Coordinated Universal Time`. */
function longDate(ms: number): string {
  return longDateFormat.format(ms).replaceAll('\u202f', ' ');
}

/** As the same text has it where AWS allowed one change a day: `Sat Feb 23 03:07:45 UTC 2019`. */
function javaDate(ms: number): string {
  const [day, date, month, year, time] = new Date(ms).toUTCString().split(/,? /);
  return `${day} ${month} ${date} ${time} UTC ${year}`;
}

function utcDay(timeMs: number): number {
  return Math.floor(timeMs / dayMs);
}
