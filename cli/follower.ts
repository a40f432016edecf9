import type { Backend } from '../protocol/backend.ts';
import type { AcceleratorOptions } from '../proxy/accelerator.ts';
import { Election } from '../proxy/follower/election.ts';
import { Follower } from '../proxy/follower.ts';
import type { Fleet } from './fleet.ts';
import type { Surroundings } from './serve.ts';

/**
 * @param fleet of which one proxy follows a table for all; absent: this one follows every table itself.
 * @returns what opens the follower of the tables' streams; undefined where they are not followed.
 */
export function followerOpener(
  { settings, clock, log, metrics }: Surroundings,
  upstream: Backend,
  fleet: Fleet | undefined,
): AcceleratorOptions['openFollower'] {
  if (!settings.followStreams) return undefined;
  return (invalidations) => {
    const claims = fleet === undefined ? {} : { claims: new Election(fleet.nodes) };
    const follower = new Follower({ backend: upstream, invalidations, ...claims, clock, log });
    metrics?.watchFollower(() => follower.stats());
    return follower;
  };
}
