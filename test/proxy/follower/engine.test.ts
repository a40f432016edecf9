import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { Program } from '../../program.ts';
import { type StoreServer, testFollowing } from './followed-store.ts';

/** The engine as a server of its own, its shards as short as can be so that the follower meets their children. */
async function startEngine(): Promise<StoreServer> {
  const directory = mkdtempSync(join(tmpdir(), 'slipstream-followed-'));
  const words = ['engine', '--port', '0', '--data', directory, '--log-level', 'error'];
  const program = Program.run([...words, '--stream-shard-seconds', '1']);
  return {
    address: await program.ready(),
    stop: async () => {
      const exit = await program.end();
      rmSync(directory, { recursive: true, force: true });
      expect(exit).toMatchObject({ code: 0, stderr: '' });
    },
  };
}

describe('in front of the engine', () => {
  testFollowing(startEngine);
});
