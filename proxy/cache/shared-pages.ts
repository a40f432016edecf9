import { Reply } from '../../protocol/reply.ts';
import { Brought, lesserTtlMs, type Sent, type Standing } from './flights.ts';
import { pageBytesMax } from './pages.ts';
import type { QueryCall } from './query-call.ts';
import type { PageToken, SharedRead } from './shared.ts';
import { SharedReads } from './shared-reads.ts';

/** Pages that this proxy does not have: from the fleet's cache, else from the store, for all to have. */
export class SharedPages extends SharedReads {
  /**
   * @param ttlMs for how long the page may be kept; not 0, which would be no end.
   * @param right to keep the page here; as for items, the fleet does not get it either once that has ended.
   * @param ask the store; what it brings that may not be kept is kept by nobody.
   * @returns the page, to be kept here too only if the fleet keeps it, and for no longer than either may.
   */
  async read(
    call: QueryCall,
    ttlMs: number,
    right: Standing | undefined,
    ask: (isUnsettled: boolean) => Sent<Reply> | Promise<Sent<Reply>>,
  ): Promise<Sent<Reply>> {
    const found = await this.#find(call);
    if (found.kind === 'hit') {
      return new Brought(Reply.ofBody(found.value), lesserTtlMs(found.ttlMs, ttlMs));
    }
    const sent = await ask(found.kind === 'miss' && found.isUnsettled);
    if (!(sent instanceof Reply)) return sent;
    const isKeepable = found.kind === 'miss' && right?.stands === true && sent.body.length <= pageBytesMax;
    const keptMs = isKeepable ? await this.shared.fillPage(found.token, sent.body, ttlMs) : undefined;
    return new Brought(sent, keptMs);
  }

  async #find({ table, name, generations }: QueryCall): Promise<SharedRead<PageToken>> {
    const sharedTable = await this.shared.table(table);
    if (sharedTable === undefined) return { kind: 'bypass' };
    return this.shared.readPage(sharedTable, { name, generations });
  }
}
