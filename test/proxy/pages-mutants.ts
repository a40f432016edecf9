import type { KeyBytes } from '../../protocol/key.ts';
import type { Reply } from '../../protocol/reply.ts';
import type { Fence } from '../../proxy/cache/coherence.ts';
import type { PageToken, TablePages } from '../../proxy/cache/page-token.ts';
import type { PageDestination } from '../../proxy/cache/pages.ts';
import { Settling } from '../../proxy/cache/settling.ts';
import type { Mutant } from './coherence-mutants.ts';
import {
  ObservedCoherence,
  ObservedPageFlights,
  ObservedPages,
  type Rules,
  realRules,
  type Scenario,
} from './coherence-world.ts';

const queryAndWriter: Scenario = { readers: 2, pageReaders: ['query', 'query'], writers: 1 };
const indexAndWriters: Scenario = { readers: 2, pageReaders: ['index', 'index'], writers: 2 };
const statement: Scenario = { readers: 2, pageReaders: ['query', 'query'], statements: 1 };

/** Pages, as coherence is told of them, whose end can be moved. */
class Deaf extends ObservedPages {
  override endGenerations(): void {}
}

/** Takes what may change for a while to have changed, and no more. */
class Forgetful extends ObservedPages {
  override voidTable(tableId: string): void {
    super.voidTable(tableId, 0);
  }
}

export const pageMutants: readonly Mutant[] = [
  {
    without: 'a writer ends the generations of what it changed',
    scenario: queryAndWriter,
    rules: withPages(Deaf),
  },
  {
    without: 'it does so after the commit, not before',
    scenario: { readers: 1, pageReaders: ['query'], writers: 1 },
    rules: {
      ...realRules,
      pages: Deaf,
      coherence: class extends ObservedCoherence {
        override raise(tableId: string, key: KeyBytes): Fence {
          this.voids?.voidTable(tableId, 0);
          return super.raise(tableId, key);
        }
      },
    },
  },
  {
    without: 'a page is served only while its generations stand',
    scenario: queryAndWriter,
    rules: withPages(
      class extends ObservedPages {
        protected override mayServe(): boolean {
          return true;
        }
      },
    ),
  },
  {
    without: 'generations are taken before the store is asked',
    scenario: queryAndWriter,
    rules: withPages(
      class extends ObservedPages {
        override fill(token: PageToken, reply: Reply, ttlMs: number): void {
          const to = this.destinations.get(token.page);
          const late = to === undefined ? undefined : super.take(to);
          token.release();
          if (late !== undefined) super.fill(late, reply, ttlMs);
        }
      },
    ),
  },
  {
    without: 'a generation is never used again',
    scenario: { readers: 2, pageReaders: ['scan', 'head'], writers: 1 },
    rules: withPages(
      class extends ObservedPages {
        readonly #ended = new Map<KeyBytes, { stands: boolean; holders: number }>();

        override take(to: PageDestination): PageToken | undefined {
          const token = super.take(to);
          for (const name of to.generations) {
            const ended = this.#ended.get(name);
            if (ended !== undefined) ended.stands = true;
          }
          return token;
        }

        protected override end(table: TablePages, name: KeyBytes): void {
          const generation = table.generations.get(name);
          if (generation !== undefined) this.#ended.set(name, generation);
          super.end(table, name);
        }
      },
    ),
  },
  {
    without: 'an entry that moves ends the generation of the partition that it leaves',
    scenario: indexAndWriters,
    rules: withPages(
      class extends ObservedPages {
        override endGenerations(tableId: string, names: readonly KeyBytes[]): void {
          super.endGenerations(
            tableId,
            names.filter((name) => name !== names.find((other) => other.startsWith('i'))),
          );
        }
      },
    ),
  },
  {
    without: 'a page of an index carries the generation of all of the index',
    scenario: {
      readers: 2,
      pageReaders: ['index', 'index'],
      writesAround: 1,
      writers: 1,
      announced: 'later',
    },
    rules: withPages(
      class extends ObservedPages {
        override take(to: PageDestination): PageToken | undefined {
          return super.take({ ...to, generations: to.generations.slice(0, 1) });
        }
      },
    ),
  },
  {
    without: 'a void ends all pages of the table',
    scenario: statement,
    rules: withPages(
      class extends ObservedPages {
        override voidTable(): void {}
      },
    ),
  },
  {
    without: 'no page is kept while an unanswered write may be applied',
    scenario: { readers: 2, pageReaders: ['query', 'query'], writers: 1, timeouts: 1 },
    rules: withPages(Forgetful),
  },
  {
    without: 'no page is kept while an unanswered change of the table may be applied',
    scenario: { ...statement, timeouts: 1 },
    rules: withPages(Forgetful),
  },
  {
    without: 'no page of the first moments outlives them',
    scenario: { readers: 1, pageReaders: ['query'], writers: 1, crashes: 1 },
    rules: withPages(
      class extends ObservedPages {
        protected override limitMs(): number {
          return Number.POSITIVE_INFINITY;
        }
      },
    ),
  },
  {
    without: 'generations are let go of',
    scenario: queryAndWriter,
    rules: withPages(
      class extends ObservedPages {
        override take(to: PageDestination): PageToken | undefined {
          const token = super.take(to);
          super.take(to);
          return token;
        }
      },
    ),
  },
  {
    without: 'a read is joined only while its generations stand',
    scenario: { readers: 2, pageReaders: ['query', 'query'], writers: 1, evictions: 1 },
    rules: {
      ...realRules,
      pageFlights: class extends ObservedPageFlights {
        protected override mayJoin(): boolean {
          return true;
        }
      },
    },
  },
  {
    without: 'a recently written partition is read consistently',
    scenario: { readers: 1, pageReaders: ['query'], writers: 1, lags: true, evictions: 1 },
    rules: {
      ...realRules,
      settling: class extends Settling {
        override isUnsettled(): boolean {
          return false;
        }
      },
    },
  },
  {
    without: 'what an index shows is not kept until it has settled',
    scenario: { readers: 1, pageReaders: ['index'], writers: 1, lags: true },
    rules: withPages(
      class extends ObservedPages {
        override isUnsettled(to: PageDestination): boolean {
          return !to.generations.some((name) => name.startsWith('i')) && super.isUnsettled(to);
        }
      },
    ),
  },
];

function withPages(pages: Rules['pages']): Rules {
  return { ...realRules, pages };
}
