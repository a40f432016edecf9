import { Reply } from '../../protocol/reply.ts';
import type { Sized } from './local.ts';
import type { PageToken } from './page-token.ts';

/**
 * One page of a Query or Scan as it was answered, and what it depends on. Its bytes are in a buffer of their own: one
 * that is shared, as those of replies usually are, would keep all its neighbours alive, uncounted.
 */
export class CachedPage implements Sized {
  readonly reply: Reply;
  readonly isEmpty: boolean;
  readonly bytes: number;
  readonly token: PageToken;

  constructor(reply: Reply, token: PageToken) {
    const body = Buffer.allocUnsafeSlow(reply.body.length);
    reply.body.copy(body);
    this.reply = Reply.ofBody(body);
    this.isEmpty = isEmpty(reply);
    this.bytes = body.length + token.bytes;
    this.token = token;
  }

  /** Whether nothing that it shows may have changed. */
  get stands(): boolean {
    return this.token.stands;
  }

  dropped(): void {
    this.token.release();
  }
}

/** What is larger has something in it: a page without items has a LastEvaluatedKey and a few numbers at most. */
const emptyPageBytesMax = 10_000;

/** A reply that was not parsed is not parsed for this, unless that costs next to nothing. */
function isEmpty({ body, output }: Pick<Reply, 'body' | 'output'>): boolean {
  return body.length <= emptyPageBytesMax && output.Count === 0;
}
