import { leastCall } from './isolation.ts';
import { isListed, written } from './known-differences.ts';
import { isSameFault } from './known-words.ts';
import { isReportedFirst } from './order-of-checks.ts';
import type { Answer, Peer } from './peer.ts';
import type { Difference } from './player.ts';

/**
 * Why a difference is right: the same fault in other words, an entry of the list, or two faults of one request of which AWS
 * reports the engine's first.
 * @returns what is not explained, or undefined.
 */
export async function unexplained(
  difference: Difference,
  ours: Peer,
  other: Peer,
): Promise<string | undefined> {
  if (isAlike(difference) || isListed(difference)) return undefined;
  if (!('error' in difference.ours) || !('error' in difference.theirs)) return 'they are not alike';
  return severalFaults(difference, ours, other);
}

/**
 * Each of the two faults, alone in the least request that has it, is found by both servers, and the engine's is the one
 * that AWS reports first.
 */
async function severalFaults(
  { call, ours: own, theirs, ...rest }: Difference,
  ours: Peer,
  other: Peer,
): Promise<string | undefined> {
  const { sounder } = call;
  const least = await leastCall(call, sounder, ours, own);
  const same = { ...rest, call: least, ours: own, theirs: await other.call(least) };
  if (!isAlike(same) && !isListed(same)) return `${other.name} does not find ours: ${asked(same)}`;
  const leastOfTheirs = await leastCall(call, sounder, other, theirs);
  const reverse = { ...rest, call: leastOfTheirs, ours: await ours.call(leastOfTheirs), theirs };
  if (!isAlike(reverse) && !isListed(reverse)) return `ours does not find theirs: ${asked(reverse)}`;
  if (!('error' in reverse.ours)) return undefined;
  const [first, second] = [written(own), written(reverse.ours)];
  return isReportedFirst(call.operation, first, second) ? undefined : `AWS reports "${second}" first`;
}

function isAlike({ peer, ours, theirs }: Pick<Difference, 'peer' | 'ours' | 'theirs'>): boolean {
  if (!('error' in ours) || !('error' in theirs)) return false;
  return ours.error.code === theirs.error.code && isSameFault(peer, ours.error.message, theirs.error.message);
}

function asked({ call, ours, theirs }: { call: Difference['call']; ours: Answer; theirs: Answer }): string {
  return `${JSON.stringify(call.input)}\n      ${written(ours)}\n      ${written(theirs)}`;
}
