/** Why the following of a stream ends: an operating error, dealt with by whoever follows the table. */
export type InterruptionKind =
  /** Changes were lost, or may have been. */
  | 'gap'
  /** The stream, or the table, is not there any more, or is written to no more. */
  | 'gone'
  /** Another process follows the table, or may do so. */
  | 'claimLost'
  /** No shard is getting on. */
  | 'stalled'
  /** Nobody asks for the table any more. */
  | 'unfollowed';

export class Interruption extends Error {
  override readonly name = 'Interruption';
  readonly kind: InterruptionKind;

  constructor(kind: InterruptionKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** A shard from which not everything can be read any more. */
export function lostShard(): Interruption {
  return new Interruption('gap', 'a shard was trimmed, or removed, before it was read to its end');
}
