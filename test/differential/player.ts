import { setTimeout as delay } from 'node:timers/promises';
import type { Case, Step } from './case.ts';
import { comparable, stable } from './comparison.ts';
import type { Answer, Call, Peer } from './peer.ts';

/** Where another server has answered otherwise than ours. */
export interface Difference {
  readonly peer: string;
  /** The calls up to the one that was answered differently. */
  readonly calls: readonly Call[];
  readonly call: Step;
  readonly ours: Answer;
  readonly theirs: Answer;
}

/** Plays a case on ours and one other server. @returns the first difference; the rest of the case may hang on it. */
export async function play(steps: Case, ours: Peer, other: Peer): Promise<Difference | undefined> {
  for (const [i, step] of steps.entries()) {
    const [own, theirs] = await Promise.all([answer(step, ours), answer(step, other)]);
    if (comparable(own) !== comparable(theirs)) {
      return { peer: other.name, calls: steps.slice(0, i + 1), call: step, ours: own, theirs };
    }
    if (isTableChange(step) && 'output' in own) {
      await Promise.all([settled(step, ours), settled(step, other)]);
    }
  }
  return undefined;
}

function answer(step: Step, peer: Peer): Promise<Answer> {
  return step.isWalk === true ? answerOfWalk(step, peer) : peer.call(step);
}

const pagesMax = 200;

/** All pages as if they were one; the first error is the answer. */
async function answerOfWalk({ operation, input }: Step, peer: Peer): Promise<Answer> {
  const items: string[] = [];
  let [count, scannedCount] = [0, 0];
  let startKey: unknown;
  let capacity: unknown;
  for (let page = 0; page < pagesMax; page++) {
    const next = startKey === undefined ? input : { ...input, ExclusiveStartKey: startKey };
    const one = await peer.call({ operation, input: next });
    if ('error' in one) return one;
    const { Items = [], Count, ScannedCount, LastEvaluatedKey, ConsumedCapacity } = one.output;
    items.push(...(Items as unknown[]).map(stable));
    count += Number(Count);
    scannedCount += Number(ScannedCount);
    if (page === 0) capacity = ConsumedCapacity;
    startKey = LastEvaluatedKey;
    if (startKey === undefined) break;
  }
  const isOrdered = operation === 'Query' && input.IndexName === undefined;
  const isWhole = input.Limit === undefined;
  return {
    output: {
      Items: isOrdered ? items : items.sort(),
      Count: count,
      ScannedCount: scannedCount,
      ...(isWhole && { ConsumedCapacity: capacity }),
    },
  };
}

function isTableChange({ operation }: Call): boolean {
  return operation === 'CreateTable' || operation === 'UpdateTable' || operation === 'DeleteTable';
}

const settleMs = 10_000;
const pollMs = 5;

/** Statuses pass at different speeds. */
async function settled({ operation, input }: Call, peer: Peer): Promise<void> {
  const deadline = Date.now() + settleMs;
  const call = { operation: 'DescribeTable', input: { TableName: input.TableName } };
  while (Date.now() < deadline) {
    const one = await peer.call(call);
    if ('error' in one || (operation !== 'DeleteTable' && isActive(one.output.Table))) return;
    await delay(pollMs);
  }
  throw new Error(`${peer.name} has not settled ${String(input.TableName)} after ${operation}`);
}

function isActive(table: unknown): boolean {
  const { TableStatus, GlobalSecondaryIndexes = [] } = table as {
    TableStatus: string;
    GlobalSecondaryIndexes?: { IndexStatus: string }[];
  };
  return (
    TableStatus === 'ACTIVE' && GlobalSecondaryIndexes.every(({ IndexStatus }) => IndexStatus === 'ACTIVE')
  );
}

/** As people read it: the calls, what the two said to the last one, and what is wrong with that. */
export function printed({ peer, calls, ours, theirs }: Difference, reason: string): string {
  const lines = calls.map(({ operation, input }) => `  ${operation} ${JSON.stringify(input)}`);
  return [...lines, `    ours:  ${comparable(ours)}`, `    ${peer}: ${comparable(theirs)}`, `    ${reason}`]
    .map(shortened)
    .join('\n');
}

function shortened(line: string): string {
  return line.length > lineLengthMax ? `${line.slice(0, lineLengthMax)}...` : line;
}

const lineLengthMax = 1200;
