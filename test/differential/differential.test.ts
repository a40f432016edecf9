import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchDynamoDbLocal } from '../../bench/reference/dynamodb-local.ts';
import type { Case } from './case.ts';
import { unexplained } from './explanation.ts';
import { itemCase } from './item-cases.ts';
import { malformedCase } from './malformed-cases.ts';
import { filling, pageCase } from './page-cases.ts';
import { openDynalite, openDynamoDbLocal, openEngine, type Peer } from './peer.ts';
import { play, printed } from './player.ts';
import { tableCase, timeToLiveCase } from './table-cases.ts';
import { itemsTable, pagesTable, tableInput } from './tables.ts';

/*
 * Seeded random requests, right and wrong, are sent to the engine, to DynamoDB Local and to dynalite. Their answers are
 * equal, or the difference is known, with the reason why AWS answers as the engine does.
 *
 *     DIFFERENTIAL_RUNS   cases of each kind
 *     DIFFERENTIAL_SEED   a number, to play other cases; the same one plays the same again
 */

const runs = Number(process.env.DIFFERENTIAL_RUNS ?? 100);
const seed = Number(process.env.DIFFERENTIAL_SEED ?? 1);

const kinds: readonly (readonly [name: string, cases: fc.Arbitrary<Case>, share: number])[] = [
  ['items', itemCase, 1],
  ['pages', pageCase, 1],
  ['tables', tableCase, 0.3],
  ['time to live', timeToLiveCase, 0.1],
  ['malformed requests', malformedCase, 1],
];

const obstacle = fetchDynamoDbLocal();
if (obstacle !== undefined) {
  process.stderr.write(`\nSKIPPED: the comparison with DynamoDB Local, as ${obstacle}\n\n`);
}

describe.skipIf(obstacle !== undefined)('beside DynamoDB Local', () => comparison(openDynamoDbLocal));
describe('beside dynalite', () => comparison(openDynalite));

function comparison(open: () => Promise<Peer>): void {
  let ours: Peer;
  let other: Peer;

  beforeAll(async () => {
    [ours, other] = await Promise.all([openEngine(), open()]);
    const [puts = []] = fc.sample(filling, { seed, numRuns: 1 });
    for (const peer of [ours, other]) {
      for (const name of [itemsTable, pagesTable]) {
        await peer.call({ operation: 'CreateTable', input: tableInput(name) as Record<string, unknown> });
      }
      await Promise.all(puts.map((put) => peer.call(put)));
    }
  }, startMsMax);

  afterAll(async () => {
    await Promise.all([ours.close(), other.close()]);
  });

  for (const [name, cases, share] of kinds) {
    test(
      `${name} are answered alike, or it is known why not (seed ${seed})`,
      async () => {
        const reports: string[] = [];
        for (const one of fc.sample(cases, { seed, numRuns: Math.ceil(runs * share) })) {
          const difference = await play(one, ours, other);
          const reason = difference && (await unexplained(difference, ours, other));
          if (difference !== undefined && reason !== undefined) reports.push(printed(difference, reason));
        }
        const text = reports.slice(0, reportsMax).join('\n\n');
        expect(reports.length, `DIFFERENTIAL_SEED=${seed}\n${text}\n`).toBe(0);
      },
      timeoutMs,
    );
  }
}

/** DynamoDB Local takes its time on a busy machine. */
const startMsMax = 60_000;
const reportsMax = 20;
const timeoutMs = 30_000 + runs * 100;
