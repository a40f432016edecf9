import type { Backend } from '../protocol/backend.ts';
import { accelerate } from './accelerator.ts';
import { openEngine } from './engine.ts';
import type { Surroundings } from './serve.ts';

/** Everything in one process. The engine's reads lag behind what it acknowledged only if it is told to, and it says so. */
export async function openStart(surroundings: Surroundings): Promise<Backend> {
  return accelerate(await openEngine(surroundings), 0, surroundings);
}
