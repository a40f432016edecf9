import type { KnownDifference } from './known-difference.ts';
import { knownErrors } from './known-errors.ts';
import { knownResults } from './known-results.ts';
import { withoutEnvelope } from './known-words.ts';
import type { Answer } from './peer.ts';
import type { Difference } from './player.ts';

/** Whether the two answer differently to a request with one fault, and the list says why. */
export function isListed(difference: Difference): boolean {
  return knownDifferences.some((known) => explains(known, difference));
}

const knownDifferences = [...knownErrors, ...knownResults];

function explains(known: KnownDifference, { peer, calls, call, ours, theirs }: Difference): boolean {
  if (!known.peers.includes(peer) || known.operation?.test(call.operation) === false) return false;
  if (known.input?.test(JSON.stringify(calls)) === false) return false;
  if (!known.ours.test(written(ours)) || !known.theirs.test(written(theirs))) return false;
  if (!('output' in ours) || !('output' in theirs)) return true;
  return known.outputs?.(ours.output, theirs.output, call.input) === true;
}

/** `OK`, or the code and the text of the error, without the envelope of one fault. */
export function written(answer: Answer): string {
  return 'output' in answer ? 'OK' : `${answer.error.code}: ${withoutEnvelope(answer.error.message)}`;
}
