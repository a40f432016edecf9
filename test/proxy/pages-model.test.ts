import { describeExploration } from './coherence-exploration.ts';
import type { Scenario } from './coherence-world.ts';
import { pageMutants } from './pages-mutants.ts';

/** One item, and everybody who might meet over a page that shows it. */
const scenarios: Record<string, Scenario> = {
  'a burst of queries': { readers: 4, pageReaders: ['query', 'query', 'query', 'query'] },
  'queries and writers': { readers: 2, pageReaders: ['query', 'query'], writers: 2, evictions: 1 },
  'a query, a reader of the item, and writers': { readers: 2, pageReaders: ['query'], writers: 2 },
  'queries of an index partition that the item leaves': {
    readers: 2,
    pageReaders: ['index', 'index'],
    writers: 2,
  },
  'two scans and writers': { readers: 2, pageReaders: ['scan', 'head'], writers: 2 },
  'all kinds of pages': { readers: 3, pageReaders: ['query', 'index', 'scan'], writers: 1 },
  'time-outs': { readers: 2, pageReaders: ['query', 'query'], writers: 1, timeouts: 2 },
  'time-outs and retries, on an index': {
    readers: 1,
    pageReaders: ['index'],
    writers: 2,
    timeouts: 1,
    retries: true,
  },
  statements: { readers: 2, pageReaders: ['query', 'index'], statements: 1, timeouts: 1 },
  'a write around, announced later': {
    readers: 2,
    pageReaders: ['index', 'query'],
    writers: 1,
    writesAround: 1,
    announced: 'later',
  },
  'an announcing store': {
    readers: 2,
    pageReaders: ['index', 'query'],
    writers: 1,
    writesAround: 1,
    announced: 'inOrder',
    timeouts: 1,
  },
  'an announcing store and a new table': {
    readers: 2,
    pageReaders: ['scan', 'query'],
    writers: 1,
    announced: 'inOrder',
    recreations: 'around',
  },
  'a new table and a time-out': {
    readers: 1,
    pageReaders: ['query'],
    writers: 1,
    recreations: 'through',
    timeouts: 1,
  },
  'a table that is not described, and lag': {
    readers: 1,
    pageReaders: ['query'],
    writers: 1,
    refusals: 1,
    lags: true,
  },
  'a table that is not described': {
    readers: 1,
    pageReaders: ['query'],
    writers: 1,
    refusals: 1,
    timeouts: 1,
  },
  'a crash': { readers: 2, pageReaders: ['query', 'query'], writers: 1, crashes: 1 },
  'replicas that lag': { readers: 2, pageReaders: ['query', 'query'], writers: 2, lags: true },
  'an index that lags': { readers: 2, pageReaders: ['index', 'index'], writers: 2, lags: true },
};

describeExploration('pages', scenarios, pageMutants);
