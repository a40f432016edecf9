import type { Request } from '../../protocol/backend.ts';
import { resourceInUse, validationError } from '../../protocol/errors.ts';
import type { TimeToLiveSpecification } from '../../protocol/operation.ts';
import { Reply } from '../../protocol/reply.ts';
import { validateShape } from '../../protocol/validate/shapes.ts';
import type { Services } from '../services.ts';
import type { TimeToLive } from '../table-definition.ts';
import { commitTable, existingTable } from './table-commit.ts';
import { refuseWhileLoading } from './table-conflict.ts';

/** AWS: API_UpdateTimeToLive. */
export async function updateTimeToLive(services: Services, request: Request): Promise<Reply> {
  const input = validateShape('UpdateTimeToLive', request.input);
  const { TableName: tableName, TimeToLiveSpecification: specification } = input;
  return commitTable(services, ({ catalog, timeMs }) => {
    const table = existingTable(catalog, request.region, tableName);
    refuseWhileLoading(table);
    if (table.status === 'CREATING') {
      throw resourceInUse(
        `Attempt to change a resource which is still in use: Table ${table.name} is being created`,
      );
    }
    const intervalMs = services.ttlChangeIntervalMs;
    const timeToLive = changedTimeToLive(specification, table.timeToLive, timeMs, intervalMs);
    const reply = new Reply({ TimeToLiveSpecification: specification });
    return { table: { ...table, timeToLive }, reply };
  });
}

/** AWS: API_DescribeTimeToLive. */
export function describeTimeToLive({ catalog }: Services, request: Request): Reply {
  const { TableName: tableName } = validateShape('DescribeTimeToLive', request.input);
  const { status, timeToLive } = existingTable(catalog, request.region, tableName);
  if (status === 'CREATING' || status === 'DELETING') {
    throw validationError(
      `Cannot describe time to live while table is in ${status} state: Current table state is ${status}`,
    );
  }
  return new Reply({ TimeToLiveDescription: timeToLiveDescription(timeToLive) });
}

/** What it was once it is DISABLED is not told. */
function timeToLiveDescription(timeToLive: TimeToLive | undefined): object {
  if (timeToLive === undefined || timeToLive.status === 'DISABLED') return { TimeToLiveStatus: 'DISABLED' };
  return { TimeToLiveStatus: timeToLive.status, AttributeName: timeToLive.attribute };
}

/**
 * What is wrong with the specification is told before that it comes too early.
 * @param intervalMs between two changes, at least.
 */
function changedTimeToLive(
  { AttributeName: attribute, Enabled: enable }: TimeToLiveSpecification,
  current: TimeToLive | undefined,
  timeMs: number,
  intervalMs: number,
): TimeToLive {
  const isOn = current?.status === 'ENABLING' || current?.status === 'ENABLED';
  if (isOn && current.attribute !== attribute) {
    throw validationError(
      `TimeToLive is active on a different AttributeName: current AttributeName is ${current.attribute}`,
    );
  }
  if (isOn === enable) throw validationError(`TimeToLive is already ${enable ? 'enabled' : 'disabled'}`);
  if (current !== undefined && (isChanging(current) || timeMs < current.changedMs + intervalMs)) {
    throw validationError('Time to live has been modified multiple times within a fixed interval');
  }
  return { attribute, status: enable ? 'ENABLING' : 'DISABLING', changedMs: timeMs };
}

function isChanging({ status }: TimeToLive): boolean {
  return status === 'ENABLING' || status === 'DISABLING';
}
