import { describeExploration } from './coherence-exploration.ts';
import { mutants } from './coherence-mutants.ts';
import type { Scenario } from './coherence-world.ts';

/** One key, and everybody who might meet over it. */
const scenarios: Record<string, Scenario> = {
  'a burst of readers': { readers: 4 },
  'a burst with a batch in it': { readers: 4, batchReader: 1 },
  'three readers and two writers': { readers: 3, writers: 2, evictions: 1 },
  'a reader and three writers': { readers: 1, writers: 3 },
  'a batch that comes first, beside writers': { readers: 2, batchReader: 0, writers: 2, timeouts: 1 },
  'a batch that comes second, beside writers': { readers: 2, batchReader: 1, writers: 2, timeouts: 1 },
  'writers that time out and try again': { readers: 1, writers: 2, timeouts: 1, retries: true },
  'two time-outs': { readers: 2, writers: 2, timeouts: 2 },
  'two time-outs of one writer': { readers: 3, writers: 1, timeouts: 2, retries: true },
  statements: { readers: 2, writers: 1, statements: 1, timeouts: 1 },
  'a write around, announced later': { readers: 2, writers: 2, writesAround: 1, announced: 'later' },
  'a write around and a time-out': {
    readers: 2,
    writers: 1,
    writesAround: 1,
    announced: 'later',
    timeouts: 1,
  },
  'a followed stream': { readers: 1, writers: 2, writesAround: 1, announced: 'followed' },
  'a followed stream, time-outs and evictions': {
    readers: 1,
    writers: 1,
    writesAround: 1,
    announced: 'followed',
    timeouts: 1,
    retries: true,
    evictions: 1,
  },
  'a followed stream, and lag': {
    readers: 2,
    writers: 1,
    writesAround: 1,
    announced: 'followed',
    lags: true,
    evictions: 1,
  },
  'an announcing store': { readers: 2, writers: 2, writesAround: 1, announced: 'inOrder', evictions: 1 },
  'an announcing store and time-outs': { readers: 2, writers: 2, announced: 'inOrder', timeouts: 2 },
  'an announcing store and a new table': {
    readers: 2,
    writers: 2,
    announced: 'inOrder',
    recreations: 'around',
  },
  'a new table': { readers: 2, writers: 1, recreations: 'through' },
  'a new table and a time-out': { readers: 1, writers: 1, recreations: 'through', timeouts: 1 },
  'a table that is not described': { readers: 1, writers: 1, refusals: 1, timeouts: 1 },
  'a table that is not described, and lag': { readers: 2, writers: 1, refusals: 1, lags: true },
  'a crash': { readers: 2, writers: 2, crashes: 1 },
  'replicas that lag': { readers: 2, writers: 2, lags: true, evictions: 1 },
  'replicas that lag and a time-out': { readers: 2, writers: 1, lags: true, timeouts: 1 },
};

describeExploration('coherence', scenarios, mutants);
