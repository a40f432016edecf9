import type { BillingMode, OnDemandThroughput, ProvisionedThroughput } from '../../protocol/operation.ts';
import type { Billing } from '../table-definition.ts';

/** What a request says of the capacity of a table or an index. */
interface Capacities {
  readonly BillingMode?: BillingMode;
  readonly ProvisionedThroughput?: ProvisionedThroughput;
  readonly OnDemandThroughput?: OnDemandThroughput;
}

/** @param mode the table's, also for an index; PROVISIONED where absent. */
export function newBilling(input: Capacities, mode: BillingMode | undefined, timeMs: number): Billing {
  const onDemand = mode === 'PAY_PER_REQUEST';
  return {
    mode: onDemand ? 'PAY_PER_REQUEST' : 'PROVISIONED',
    readUnits: input.ProvisionedThroughput?.ReadCapacityUnits ?? 0,
    writeUnits: input.ProvisionedThroughput?.WriteCapacityUnits ?? 0,
    decreasesToday: 0,
    ...(onDemand && { payPerRequestSinceMs: timeMs }),
    ...(input.OnDemandThroughput !== undefined && { onDemandMaximum: input.OnDemandThroughput }),
  };
}

/** @param input its BillingMode is the one to change to, if it is to change. */
export function changedBilling(input: Capacities, billing: Billing, timeMs: number): Billing {
  const mode = input.BillingMode ?? billing.mode;
  if (mode === 'PAY_PER_REQUEST') return onDemandBilling(input, billing, timeMs);
  const readUnits = input.ProvisionedThroughput?.ReadCapacityUnits ?? billing.readUnits;
  const writeUnits = input.ProvisionedThroughput?.WriteCapacityUnits ?? billing.writeUnits;
  const increased = readUnits > billing.readUnits || writeUnits > billing.writeUnits;
  const decreased = readUnits < billing.readUnits || writeUnits < billing.writeUnits;
  const { onDemandMaximum: _dropped, ...kept } = billing;
  return {
    ...kept,
    mode,
    readUnits,
    writeUnits,
    ...(increased && { lastIncreaseMs: timeMs }),
    ...(decreased && { lastDecreaseMs: timeMs, decreasesToday: decreasesUntil(billing, timeMs) + 1 }),
  };
}

function onDemandBilling(input: Capacities, billing: Billing, timeMs: number): Billing {
  const changesMode = billing.mode !== 'PAY_PER_REQUEST';
  return {
    ...billing,
    mode: 'PAY_PER_REQUEST',
    readUnits: 0,
    writeUnits: 0,
    ...(changesMode && { payPerRequestSinceMs: timeMs }),
    ...(input.OnDemandThroughput !== undefined && {
      onDemandMaximum: { ...billing.onDemandMaximum, ...input.OnDemandThroughput },
    }),
  };
}

/** Decreases are counted by UTC day (AWS: ServiceQuotas). */
export function decreasesUntil({ lastDecreaseMs, decreasesToday }: Billing, timeMs: number): number {
  const sameDay = lastDecreaseMs !== undefined && utcDay(lastDecreaseMs) === utcDay(timeMs);
  return sameDay ? decreasesToday : 0;
}

function utcDay(timeMs: number): number {
  return Math.floor(timeMs / 86_400_000);
}
