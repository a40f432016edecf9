import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, test } from 'vitest';
import { systemClock } from '../../protocol/clock.ts';
import { startFront } from '../../proxy/front/api.ts';
import { silentLogger } from '../silent-logger.ts';
import { campaign, seed } from './campaign.ts';
import { attributeNames } from './document-generator.ts';
import { storeEpoch } from './request.ts';
import type { Stage } from './scene.ts';
import { sdkDoor } from './sdk-door.ts';
import { accelerated, ManualClock, openEngine } from './world.ts';

const closers: (() => Promise<void> | void)[] = [];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** The SDK itself loses attributes of this name: it assigns them to an object. */
const names = attributeNames.filter((name) => name !== '__proto__');

test(`an application with the AWS SDK sees what the model says (MODEL_SEED=${seed})`, {
  timeout: 60_000,
}, async () => {
  const stage = await openStage();
  const options = { stepsMin: 1, stepsMax: 150, store: 'shared' as const, names, doors: ['sdk'] };
  await campaign(stage, options, { runs: 6, seed, command: 'test/model/sdk.test.ts', limitMs: 40_000 });
});

/** The whole line on a free port: the SDK, HTTP, the accelerator, the engine. */
async function openStage(): Promise<Stage> {
  const storeClock = new ManualClock(storeEpoch * 1000);
  const directory = await mkdtemp(join(tmpdir(), 'slipstream-model-'));
  closers.push(() => rm(directory, { recursive: true }));
  const engine = await openEngine(directory, storeClock);
  closers.push(() => engine.close());
  const clock = new ManualClock();
  const backend = accelerated(engine, clock, { itemTtlMs: 1_000 });
  closers.push(() => backend.close());
  const front = await startFront({
    host: '127.0.0.1',
    port: 0,
    backend,
    credentials: [],
    insecureNoAuth: false,
    corsOrigins: [],
    allowedHosts: [],
    clock: systemClock,
    log: silentLogger,
  });
  closers.push(() => front.close());
  const client = new DynamoDBClient({
    endpoint: `http://${front.host}:${front.port}`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
  closers.push(() => client.destroy());
  return {
    doors: [sdkDoor('sdk', client)],
    clock,
    storeClock,
    restart: async () => {},
  };
}
