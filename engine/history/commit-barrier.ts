import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../protocol/clock.ts';
import { Reply } from '../../protocol/reply.ts';
import type { Committer } from '../commit.ts';

/**
 * Resolves when everything is published that was ever committed before a time, and nothing will be any more: commit times only
 * rise, so a write that changes nothing and has that time or a later one has all of it before it.
 * @param timeMs since 1970; it is waited for.
 * @throws what keeps writes from being committed; the signal's reason
 */
export async function passCommits(
  committer: Pick<Committer, 'submit'>,
  clock: Clock,
  timeMs: number,
  signal: AbortSignal,
): Promise<void> {
  while ((await commitTimeMs(committer)) < timeMs) {
    const waitMs = Math.min(Math.max(timeMs - clock.now(), 1), pollMs);
    await delay(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** The clock may be set while it is waited for. */
const pollMs = 50;

async function commitTimeMs(committer: Pick<Committer, 'submit'>): Promise<number> {
  let committedMs = 0;
  await committer.submit(({ timeMs }) => {
    committedMs = timeMs;
    return { changes: [], reply: new Reply({}) };
  });
  return committedMs;
}
