import type { Backend } from '../protocol/backend.ts';
import { openUpstream } from '../proxy/upstream.ts';
import { accelerate } from './accelerator.ts';
import { newFleet } from './fleet.ts';
import { followerOpener } from './follower.ts';
import type { Surroundings } from './serve.ts';

/** Eventually consistent reads of a distributed store may lag this long behind an acknowledged write. */
const settleMs = 1_000;

/** The accelerator in front of a DynamoDB endpoint. */
export async function openProxy(surroundings: Surroundings): Promise<Backend> {
  const { settings, log, clock, lifecycle } = surroundings;
  const { upstream: url } = settings;
  if (url === undefined) throw new TypeError('a proxy is configured with an upstream');
  const upstream = await openUpstream({
    url,
    region: settings.region,
    callMs: settings.upstreamTimeoutMs,
    connectionsMax: settings.upstreamConnectionsMax,
    clock,
    log,
  });
  const fleet = newFleet(surroundings);
  const openFollower = followerOpener(surroundings, upstream, fleet);
  const accelerator = accelerate(upstream, settleMs, surroundings, {
    ...(fleet === undefined ? {} : { openShared: fleet.openShared }),
    ...(openFollower === undefined ? {} : { openFollower }),
  });
  // It closes ahead of the accelerator, which waits for its own calls to end: those that hang are cut, and what is
  // asked after them is refused.
  lifecycle.opened('upstream', () => upstream.close());
  return accelerator;
}
