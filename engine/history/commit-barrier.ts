import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../protocol/clock.ts';
import { serviceUnavailable } from '../../protocol/errors.ts';
import { Reply } from '../../protocol/reply.ts';
import type { Committer } from '../commit.ts';

/**
 * Resolves when everything is published that was ever committed before a time, and nothing will be any more: commit times only
 * rise, so a write that changes nothing and has that time or a later one has all of it before it.
 * @param timeMs since 1970; it is waited for, but not where the clock was set back behind commit times, perhaps by a year.
 * @throws ServiceUnavailable there; what keeps writes from being committed; the signal's reason
 */
export async function passCommits(
  committer: Pick<Committer, 'submit'>,
  clock: Clock,
  timeMs: number,
  signal: AbortSignal,
): Promise<void> {
  while ((await commitTimeMs(committer)) < timeMs) {
    const leftMs = timeMs - clock.now();
    if (leftMs > waitMsMax) throw serviceUnavailable(setBack(leftMs));
    const waitMs = Math.min(Math.max(leftMs, 1), pollMs);
    await delay(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** The clock may be set while it is waited for. */
const pollMs = 50;

/** Moments that can be restored are over in a second, if the clock goes on as it did. */
const waitMsMax = 10_000;

function setBack(leftMs: number): string {
  return (
    `The clock of the server was set back: the moment that is wanted is over in ${Math.ceil(leftMs / 1000)} seconds only, ` +
    'as what was written had later times. Try again then.'
  );
}

async function commitTimeMs(committer: Pick<Committer, 'submit'>): Promise<number> {
  let committedMs = 0;
  await committer.submit(({ timeMs }) => {
    committedMs = timeMs;
    return { changes: [], reply: new Reply({}) };
  });
  return committedMs;
}
