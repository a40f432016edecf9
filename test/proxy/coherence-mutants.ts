import type { Fence, Guards, Token } from '../../proxy/cache/coherence.ts';
import { Settling } from '../../proxy/cache/settling.ts';
import {
  ObservedCoherence,
  ObservedFlights,
  type Rules,
  realRules,
  type Scenario,
} from './coherence-world.ts';
import type { Mutant as AnyMutant } from './exploration.ts';

export type Mutant = AnyMutant<Scenario, Rules>;

const readerAndWriter: Scenario = { readers: 1, writers: 1 };
const timeouts: Scenario = { readers: 2, writers: 2, timeouts: 1 };

/** Does nothing in a step that drops tokens, or taints fences. */
class Forgetful extends ObservedCoherence {
  protected keepsTokens = false;
  protected keepsFences = false;

  protected override dropToken(guards: Guards): void {
    if (!this.keepsTokens) super.dropToken(guards);
  }

  protected override taint(guards: Guards): void {
    if (!this.keepsFences) super.taint(guards);
  }

  protected keepingTokens<T>(step: () => T): T {
    this.keepsTokens = true;
    const result = step();
    this.keepsTokens = false;
    return result;
  }

  protected keepingFences<T>(step: () => T): T {
    this.keepsFences = true;
    const result = step();
    this.keepsFences = false;
    return result;
  }
}

export const mutants: readonly Mutant[] = [
  {
    without: 'raising a fence drops the token',
    scenario: readerAndWriter,
    rules: withCoherence(
      class extends Forgetful {
        override raise(tableId: string, key: string): Fence {
          return this.keepingTokens(() => super.raise(tableId, key));
        }
      },
    ),
  },
  {
    without: 'only a token that stands fills',
    scenario: readerAndWriter,
    rules: withCoherence(
      class extends ObservedCoherence {
        protected override mayFill(_token: Token): boolean {
          return true;
        }
      },
    ),
  },
  {
    without: 'no token is given while a fence stands',
    scenario: readerAndWriter,
    rules: withCoherence(
      class extends ObservedCoherence {
        override take(tableId: string, key: string): Token | undefined {
          const guards = this.tables.get(tableId)?.guards.get(key);
          const fences = guards?.fences ?? 0;
          if (guards !== undefined) guards.fences = 0;
          const token = super.take(tableId, key);
          if (guards !== undefined) guards.fences = fences;
          return token;
        }
      },
    ),
  },
  {
    without: 'raising a fence drops the value',
    scenario: { readers: 1, writers: 1, timeouts: 1 },
    rules: withCoherence(
      class extends ObservedCoherence {
        override raise(tableId: string, key: string): Fence {
          const value = this.lookup(tableId, key);
          const fence = super.raise(tableId, key);
          if (value !== undefined) this.restore(tableId, key, value);
          return fence;
        }
      },
    ),
  },
  {
    without: 'a tainted fence lowers without a value',
    scenario: { readers: 1, writers: 2 },
    rules: withCoherence(
      class extends ObservedCoherence {
        protected override mayPut(_fence: Fence): boolean {
          return true;
        }
      },
    ),
  },
  {
    without: 'a fence that is raised beside another one is tainted',
    scenario: timeouts,
    rules: withCoherence(
      class extends ObservedCoherence {
        override raise(tableId: string, key: string): Fence {
          const fence = super.raise(tableId, key);
          fence.isTainted = false;
          return fence;
        }
      },
    ),
  },
  {
    without: 'a fence that another one is raised beside is tainted',
    scenario: { readers: 1, writers: 2 },
    rules: withCoherence(
      class extends Forgetful {
        override raise(tableId: string, key: string): Fence {
          return this.keepingFences(() => super.raise(tableId, key));
        }
      },
    ),
  },
  {
    without: 'a fence is tainted by all that it overlaps, not only by what it meets at its end',
    scenario: timeouts,
    rules: withCoherence(
      class extends ObservedCoherence {
        override raise(tableId: string, key: string): Fence {
          const fence = super.raise(tableId, key);
          fence.isTainted = false;
          return fence;
        }

        override lower(...[fence, written]: Parameters<ObservedCoherence['lower']>): void {
          const guards = this.tables.get(fence.tableId)?.guards.get(fence.key);
          if (guards !== undefined && guards.fences > 1) this.taint(guards);
          super.lower(fence, written);
        }
      },
    ),
  },
  {
    without: 'the fence of an unanswered write stays',
    scenario: timeouts,
    rules: withCoherence(
      class extends ObservedCoherence {
        override abandon(fence: Fence): void {
          this.lower(fence);
        }
      },
    ),
  },
  {
    without: 'the fence of an unanswered write ends',
    scenario: timeouts,
    rules: withCoherence(
      class extends ObservedCoherence {
        protected override endExpired(): void {}
      },
    ),
  },
  {
    without: 'an announcement drops the token',
    scenario: { readers: 1, writesAround: 1, announced: 'later' },
    rules: withCoherence(
      class extends Forgetful {
        override invalidate(tableId: string, key: string): void {
          this.keepingTokens(() => super.invalidate(tableId, key));
        }
      },
    ),
  },
  {
    without: 'an announcement taints the fence it meets',
    scenario: { readers: 1, writers: 1, writesAround: 1, announced: 'later' },
    rules: withCoherence(
      class extends Forgetful {
        override invalidate(tableId: string, key: string): void {
          this.keepingFences(() => super.invalidate(tableId, key));
        }
      },
    ),
  },
  {
    without: 'a record of another value drops the one that is cached',
    scenario: { readers: 1, writesAround: 1, announced: 'followed' },
    rules: withCoherence(
      class extends ObservedCoherence {
        override invalidateUnless(tableId: string, key: string): void {
          if (this.lookup(tableId, key) === undefined) this.invalidate(tableId, key);
        }
      },
    ),
  },
  {
    without: 'a record drops the token where nothing is cached',
    scenario: { readers: 1, writesAround: 1, announced: 'followed' },
    rules: withCoherence(
      class extends ObservedCoherence {
        override invalidateUnless(...step: Parameters<ObservedCoherence['invalidateUnless']>): void {
          const [tableId, key] = step;
          if (this.lookup(tableId, key) !== undefined) super.invalidateUnless(...step);
        }
      },
    ),
  },
  {
    without: 'a record taints the fence it meets',
    scenario: { readers: 1, writers: 1, writesAround: 1, announced: 'followed' },
    rules: withCoherence(
      class extends Forgetful {
        override invalidateUnless(...step: Parameters<ObservedCoherence['invalidateUnless']>): void {
          this.keepingFences(() => super.invalidateUnless(...step));
        }
      },
    ),
  },
  {
    without: 'an announcement in order drops the token',
    scenario: { readers: 1, writers: 1, announced: 'inOrder' },
    rules: withCoherence(
      class extends Forgetful {
        override invalidate(tableId: string, key: string): void {
          this.keepingTokens(() => super.invalidate(tableId, key));
        }
      },
    ),
  },
  {
    without: 'a void drops tokens',
    scenario: { readers: 1, statements: 1 },
    rules: withCoherence(
      class extends Forgetful {
        override voidTable(tableId: string): void {
          this.keepingTokens(() => super.voidTable(tableId));
        }
      },
    ),
  },
  {
    without: 'a void drops values',
    scenario: { readers: 1, statements: 1 },
    rules: withCoherence(
      class extends ObservedCoherence {
        override voidTable(tableId: string): void {
          const prefix = this.tables.get(tableId)?.prefix;
          super.voidTable(tableId);
          const table = this.tables.get(tableId);
          if (table !== undefined && prefix !== undefined) table.prefix = prefix;
        }
      },
    ),
  },
  {
    without: 'a void taints fences',
    scenario: { readers: 1, writers: 1, statements: 1 },
    rules: withCoherence(
      class extends Forgetful {
        override voidTable(tableId: string): void {
          this.keepingFences(() => super.voidTable(tableId));
        }
      },
    ),
  },
  {
    without: 'an unanswered change of a table holds it',
    scenario: { readers: 1, statements: 1, timeouts: 1 },
    rules: withCoherence(
      class extends ObservedCoherence {
        override holdTable(tableId: string): void {
          this.voidTable(tableId);
        }
      },
    ),
  },
  {
    without: 'a fence raised in a held table is tainted',
    scenario: { readers: 1, writers: 1, statements: 1, timeouts: 1 },
    rules: withCoherence(
      class extends ObservedCoherence {
        override raise(tableId: string, key: string): Fence {
          const fence = super.raise(tableId, key);
          const fences = this.tables.get(tableId)?.guards.get(key)?.fences;
          if (fences === 1) fence.isTainted = false;
          return fence;
        }
      },
    ),
  },
  {
    without: 'a table that is met settles',
    scenario: { readers: 1, writers: 1, refusals: 1, lags: true },
    rules: withCoherence(
      class extends ObservedCoherence {
        override meetTable(): void {}
      },
    ),
  },
  {
    without: 'a table that is met is held while an unanswered write is open',
    scenario: { readers: 1, writers: 1, refusals: 1, timeouts: 1 },
    rules: withCoherence(
      class extends ObservedCoherence {
        override meetTable(tableId: string): void {
          const { openUntilMs } = this;
          this.openUntilMs = 0;
          super.meetTable(tableId);
          this.openUntilMs = openUntilMs;
        }

        override holdTable(tableId: string): void {
          this.holdUnmet();
          super.meetTable(tableId);
        }
      },
    ),
  },
  {
    without: 'a token is given back when its read fails',
    scenario: { readers: 1, timeouts: 1 },
    rules: withCoherence(
      class extends ObservedCoherence {
        override release(_token: Token): void {}
      },
    ),
  },
  {
    without: 'no value of the first moments outlives them',
    scenario: { readers: 1, writers: 1, crashes: 1 },
    rules: withCoherence(
      class extends ObservedCoherence {
        protected override limitMs(): number {
          return Number.POSITIVE_INFINITY;
        }
      },
    ),
  },
  {
    without: 'a read is joined only while its token stands',
    scenario: { readers: 2, writers: 1, evictions: 1 },
    rules: withFlights(
      class extends ObservedFlights {
        protected override mayJoin(): boolean {
          return true;
        }
      },
    ),
  },
  {
    without: 'a read waits for the one under way',
    scenario: { readers: 2 },
    rules: withFlights(
      class extends ObservedFlights {
        override read(
          ...[destination, send]: Parameters<ObservedFlights['read']>
        ): ReturnType<ObservedFlights['read']> {
          this.flights.clear();
          return super.read(destination, send);
        }
      },
    ),
  },
  {
    without: 'a recently written key is read consistently',
    scenario: { readers: 1, writers: 1, lags: true, evictions: 1 },
    rules: {
      ...realRules,
      settling: class extends Settling {
        override isUnsettled(): boolean {
          return false;
        }
      },
    },
  },
];

function withCoherence(coherence: Rules['coherence']): Rules {
  return { ...realRules, coherence };
}

function withFlights(flights: Rules['flights']): Rules {
  return { ...realRules, flights };
}
