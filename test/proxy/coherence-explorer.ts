import { type Rules, type Scenario, World } from './coherence-world.ts';

export interface Exploration {
  /** Different states of the world that were reached. */
  readonly states: number;
  /** The first thing found wrong, with the actions that lead to it, which `replay` takes. */
  readonly violation: string | undefined;
}

/**
 * Tries everything that can happen, in every order, depth first. A state that was reached before by another way
 * is not gone into again. A world cannot be copied, so going back means performing all actions anew.
 */
export async function explore(scenario: Scenario, rules: Rules): Promise<Exploration> {
  const seen = new Set<string>();
  const open: string[][] = [[]];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const world = await perform(scenario, rules, path);
    while (world.problems.length === 0) {
      const fingerprint = world.fingerprint();
      if (seen.has(fingerprint)) break;
      seen.add(fingerprint);
      const [next, ...others] = world.enabled();
      if (next === undefined) {
        world.finish();
        break;
      }
      for (const other of others) open.push([...path, other]);
      path.push(next);
      await world.perform(next);
    }
    if (world.problems.length > 0) return { states: seen.size, violation: print(world.problems, path) };
  }
  return { states: seen.size, violation: undefined };
}

/** @param schedule what a violation printed behind "after". */
export async function replay(scenario: Scenario, rules: Rules, schedule: string): Promise<readonly string[]> {
  const world = await perform(scenario, rules, schedule.split(', '));
  if (world.enabled().length === 0) world.finish();
  return world.problems;
}

async function perform(scenario: Scenario, rules: Rules, actions: readonly string[]): Promise<World> {
  const world = await World.open(scenario, rules);
  for (const action of actions) await world.perform(action);
  return world;
}

function print(problems: readonly string[], path: readonly string[]): string {
  return `${problems.join('; ')}, after: ${path.join(', ')}`;
}
