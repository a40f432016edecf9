import { validationError } from '../errors.ts';
import type {
  BillingMode,
  GlobalSecondaryIndex,
  GlobalSecondaryIndexUpdate,
  OnDemandThroughput,
  ProvisionedThroughput,
  UpdateTableInput,
  WarmThroughput,
} from '../operation.ts';

/** What can be said against capacity settings (AWS: API_CreateTable, API_UpdateTable, ServiceQuotas). */

const invalid = 'One or more parameter values were invalid:';
const unitsMax = 1_000_000_000_000;

/** A table or an index under one billing mode, and what a request says about its capacity. */
export interface Capacities {
  readonly BillingMode?: BillingMode | undefined;
  readonly ProvisionedThroughput?: ProvisionedThroughput | undefined;
  readonly OnDemandThroughput?: OnDemandThroughput | undefined;
  readonly WarmThroughput?: WarmThroughput | undefined;
}

/** Checks the capacity of a table to be created. */
export function checkTableThroughput(table: Capacities): void {
  const units = table.ProvisionedThroughput;
  if (table.BillingMode === 'PAY_PER_REQUEST') {
    if (units !== undefined) throw provisionedOnDemand();
  } else {
    if (units === undefined) {
      throw validationError(
        `${invalid} ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED`,
      );
    }
    checkBounds(units, '');
  }
}

/** Checks the capacity of an index to be created, under the billing mode of its table. */
export function checkIndexThroughput(index: Capacities, name: string): void {
  const units = index.ProvisionedThroughput;
  if (index.BillingMode === 'PAY_PER_REQUEST') {
    if (units === undefined) return;
    throw validationError(
      `${invalid} ProvisionedThroughput should not be specified for index: ${name} ` +
        'when BillingMode is PAY_PER_REQUEST',
    );
  }
  if (units === undefined) {
    throw validationError(`${invalid} ProvisionedThroughput is not specified for index: ${name}`);
  }
  checkBounds(units, ` for index ${name}`);
}

/** @param of what the units are for, as AWS appends it: nothing for the table. */
export function checkBounds(units: ProvisionedThroughput, of: string): void {
  for (const name of ['ReadCapacityUnits', 'WriteCapacityUnits'] as const) {
    if (units[name] > unitsMax)
      throw validationError(`Given value ${units[name]} for ${name} is out of bounds${of}`);
  }
}

/**
 * Checks the maximum of a table, or an index, of a table to be created.
 * @param indexName undefined for the table itself.
 */
export function checkNewOnDemandThroughput(capacities: Capacities, indexName?: string): void {
  const { BillingMode: mode, OnDemandThroughput: maximum = {} } = capacities;
  if (mode !== 'PAY_PER_REQUEST') {
    const [name] = maximumNames.filter((candidate) => maximum[candidate] !== undefined);
    if (name === undefined) return;
    throw validationError(
      `${invalid} ${name} for OnDemandThroughput${indexName === undefined ? '' : ` for index: ${indexName}`} ` +
        'cannot be specified when table BillingMode is PROVISIONED.',
    );
  }
  checkOnDemandThroughput(capacities, indexName === undefined ? 'table' : `index : ${indexName}`, false);
}

/**
 * @param target how AWS names what the maximum is for: `table`, or `index : name`.
 * @param clearable whether -1, which lifts a maximum, is allowed: there is none yet at creation.
 */
function checkOnDemandThroughput(
  { BillingMode: mode, OnDemandThroughput: maximum = {} }: Capacities,
  target: string,
  clearable: boolean,
): void {
  for (const name of maximumNames) {
    const units = maximum[name];
    if (units === undefined) continue;
    if (mode !== 'PAY_PER_REQUEST') {
      throw validationError(
        `${invalid} ${name} for OnDemandThroughput${target === 'table' ? '' : ` for ${target}`} ` +
          'cannot be specified when the table BillingMode is PROVISIONED',
      );
    }
    if (units < 1 && !(clearable && units === -1)) {
      throw validationError(
        `${invalid} Requested ${name} for OnDemandThroughput for ${target} is outside of valid range`,
      );
    }
  }
}

const maximumNames = ['MaxReadRequestUnits', 'MaxWriteRequestUnits'] as const;

/** What a new on-demand table can do at once, in units per second (AWS: on-demand-capacity-mode). */
const initialReadUnits = 12_000;
const initialWriteUnits = 4_000;
const initialThroughputPage =
  'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html' +
  '#on-demand-capacity-mode-initial';

/** @param target how AWS names what is to be warm: `table`, or `index name`. */
export function checkWarmThroughput(
  { BillingMode: mode, ProvisionedThroughput: provisioned, WarmThroughput: warm = {} }: Capacities,
  target: string,
): void {
  const onDemand = mode === 'PAY_PER_REQUEST';
  checkWarmUnits(
    warm.ReadUnitsPerSecond,
    onDemand ? initialReadUnits : (provisioned?.ReadCapacityUnits ?? 0),
    `Requested ReadUnitsPerSecond for WarmThroughput for ${target} is lower than`,
    onDemand ? undefined : 'ReadCapacityUnits',
  );
  checkWarmUnits(
    warm.WriteUnitsPerSecond,
    onDemand ? initialWriteUnits : (provisioned?.WriteCapacityUnits ?? 0),
    `Requested WriteUnitsPerSecond for WarmThroughput for ${target} is lower than`,
    onDemand ? undefined : 'WriteCapacityUnits',
  );
}

function checkWarmUnits(
  units: number | undefined,
  least: number,
  text: string,
  provisionedAs: string | undefined,
): void {
  if (units === undefined || units >= least) return;
  throw validationError(
    provisionedAs === undefined
      ? `${invalid} ${text} initial throughput for OnDemand. See: ${initialThroughputPage}`
      : `${invalid} ${text} ${provisionedAs} of ProvisionedThroughput`,
  );
}

/** Checks that an UpdateTable which is to warm an index says how much. */
export function checkIndexWarmth({ GlobalSecondaryIndexUpdates: updates = [] }: UpdateTableInput): void {
  for (const { Update: change } of updates) {
    if (change?.WarmThroughput === undefined || Object.keys(change.WarmThroughput).length > 0) continue;
    throw validationError(
      `${invalid} WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond ` +
        `specified for index: ${change.IndexName}`,
    );
  }
}

/** The part of a table's description that says what its capacity is. */
export interface CurrentThroughput extends CurrentCapacity {
  readonly BillingModeSummary?: { readonly BillingMode?: string };
  readonly GlobalSecondaryIndexes?: readonly CurrentIndex[];
}

interface CurrentIndex extends CurrentCapacity {
  readonly IndexName: string;
  readonly IndexStatus: string;
}

interface CurrentCapacity {
  readonly ProvisionedThroughput?: Partial<ProvisionedThroughput>;
  readonly WarmThroughput?: WarmThroughput;
}

/** Checks what an UpdateTable wants of the capacity of the table and its indexes against what they have. */
export function checkThroughputChanges(update: UpdateTableInput, current: CurrentThroughput): void {
  const currentMode = current.BillingModeSummary?.BillingMode ?? 'PROVISIONED';
  const mode = (update.BillingMode ?? currentMode) as BillingMode;
  const requested = update.ProvisionedThroughput;
  if (requested !== undefined && mode === 'PAY_PER_REQUEST') throw provisionedOnDemand();
  checkOnDemandThroughput({ ...update, BillingMode: mode }, 'table', true);
  if (requested !== undefined && currentMode === 'PROVISIONED') refuseUnchanged(requested, current, 'table');
  refuseCooling(update.WarmThroughput, current, 'table');
  for (const { Create: create, Update: change } of update.GlobalSecondaryIndexUpdates ?? []) {
    if (create !== undefined) checkNewIndex(create, mode);
    if (change !== undefined) checkIndexChange(change, mode, update, current);
  }
  if (mode === 'PROVISIONED' && currentMode !== mode) requireIndexUnits(update, current);
}

function checkNewIndex(create: GlobalSecondaryIndex, mode: BillingMode): void {
  const { IndexName: name, ProvisionedThroughput: units } = create;
  if (mode === 'PAY_PER_REQUEST' && units !== undefined) throw indexProvisionedOnDemand(name);
  if (mode === 'PROVISIONED' && units === undefined) throw bothUnitsRequired(name);
  const capacities = { ...create, BillingMode: mode };
  checkOnDemandThroughput(capacities, `index : ${name}`, false);
  checkWarmThroughput(capacities, `index ${name}`);
}

type IndexChange = NonNullable<GlobalSecondaryIndexUpdate['Update']>;

function checkIndexChange(
  change: IndexChange,
  mode: BillingMode,
  update: UpdateTableInput,
  current: CurrentThroughput,
): void {
  const { IndexName: name, ProvisionedThroughput: requested, OnDemandThroughput: maximum = {} } = change;
  const index = current.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === name);
  if (index === undefined) return;
  const asksForOthers = change.WarmThroughput !== undefined || Object.keys(maximum).length > 0;
  if (mode === 'PAY_PER_REQUEST') {
    if (requested !== undefined && update.BillingMode !== undefined) throw indexProvisionedOnDemand(name);
    if (requested !== undefined || !asksForOthers) throw notForOnDemand(name);
  } else if (requested === undefined && !asksForOthers) {
    throw bothUnitsRequired(name);
  }
  checkOnDemandThroughput({ OnDemandThroughput: maximum, BillingMode: mode }, `index : ${name}`, true);
  const changesMode = mode !== (current.BillingModeSummary?.BillingMode ?? 'PROVISIONED');
  if (requested !== undefined && !changesMode) refuseUnchanged(requested, index, `index ${name}`);
  refuseCooling(change.WarmThroughput, index, `index ${name}`);
}

/** A table that becomes provisioned needs units for each of its global indexes in the same request. */
function requireIndexUnits(
  { GlobalSecondaryIndexUpdates: updates = [] }: UpdateTableInput,
  { GlobalSecondaryIndexes: indexes = [] }: CurrentThroughput,
): void {
  const without = indexes.filter(
    ({ IndexName: name, IndexStatus: status }) =>
      status !== 'DELETING' &&
      !updates.some(({ Update: change, Delete: remove }) =>
        change?.IndexName === name ? change.ProvisionedThroughput !== undefined : remove?.IndexName === name,
      ),
  );
  if (without.length === 0) return;
  const names = without.map(({ IndexName }) => IndexName).join(',');
  throw validationError(`${invalid} ProvisionedThroughput must be specified for index: ${names}`);
}

/** @param of `table`, or `index` and its name. */
function refuseUnchanged(
  requested: ProvisionedThroughput,
  { ProvisionedThroughput: units }: CurrentCapacity,
  of: string,
): void {
  const read = units?.ReadCapacityUnits;
  const write = units?.WriteCapacityUnits;
  if (requested.ReadCapacityUnits !== read || requested.WriteCapacityUnits !== write) return;
  const the = of === 'table' ? 'the table' : of;
  throw validationError(
    `The provisioned throughput for the ${of} will not change. The requested value equals the current value. ` +
      `Current ReadCapacityUnits provisioned for ${the}: ${read}. ` +
      `Requested ReadCapacityUnits: ${requested.ReadCapacityUnits}. ` +
      `Current WriteCapacityUnits provisioned for ${the}: ${write}. ` +
      `Requested WriteCapacityUnits: ${requested.WriteCapacityUnits}. ` +
      'Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.',
  );
}

/** Warm throughput only ever grows. */
function refuseCooling(
  requested: WarmThroughput | undefined,
  { WarmThroughput: warm = {} }: CurrentCapacity,
  of: string,
): void {
  for (const name of ['ReadUnitsPerSecond', 'WriteUnitsPerSecond'] as const) {
    const units = requested?.[name];
    if (units === undefined || units >= (warm[name] ?? 0)) continue;
    throw validationError(
      `${invalid} Requested ${name} for WarmThroughput for ${of} is lower than current WarmThroughput, ` +
        'decreasing WarmThroughput is not supported',
    );
  }
}

function bothUnitsRequired(indexName: string): Error {
  return validationError(
    `${invalid} Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: ${indexName}`,
  );
}

function indexProvisionedOnDemand(indexName: string): Error {
  return validationError(
    `${invalid} Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: ${indexName} ` +
      'when BillingMode is PAY_PER_REQUEST',
  );
}

function notForOnDemand(indexName: string): Error {
  return validationError(
    `${invalid} The only Updates for index: ${indexName} when TableThroughputMode is PAY_PER_REQUEST ` +
      'can be to OnDemandThroughput, WarmThroughput',
  );
}

function provisionedOnDemand(): Error {
  return validationError(
    `${invalid} Neither ReadCapacityUnits nor WriteCapacityUnits can be specified ` +
      'when BillingMode is PAY_PER_REQUEST',
  );
}
