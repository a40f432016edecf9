/** What can be explored: a world that moves by named actions only, and tells what was found wrong in it. */
export interface World {
  readonly problems: readonly string[];
  /** What can happen next. */
  enabled(): string[];
  perform(action: string): Promise<void>;
  /** Everything that decides what can happen from here on, and what would be wrong. */
  fingerprint(): string;
  /** The last checks, where nothing can happen any more, or where the world comes to its end by itself from anywhere. */
  finish(): void | Promise<void>;
  readonly finishesAnywhere?: boolean;
}

/** A new one each time, in which the same happens by the same actions. */
export type OpenWorld = () => Promise<World>;

export interface Exploration {
  /** Different states of the world that were reached. */
  readonly states: number;
  /** Whether there are no others. */
  readonly isComplete: boolean;
  /** The first thing found wrong, with the actions that lead to it, which `replay` takes. */
  readonly violation: string | undefined;
}

/**
 * Tries everything that can happen, in every order, depth first. A state that was reached before by another way
 * is not gone into again. A world cannot be copied, so going back means performing all actions anew.
 */
export async function explore(openWorld: OpenWorld, statesMax = Infinity): Promise<Exploration> {
  const seen = new Set<string>();
  const open: string[][] = [[]];
  for (let path = open.pop(); path !== undefined && seen.size < statesMax; path = open.pop()) {
    const world = await perform(openWorld, path);
    while (world.problems.length === 0) {
      const fingerprint = world.fingerprint();
      if (seen.has(fingerprint)) break;
      seen.add(fingerprint);
      const [next, ...others] = world.enabled();
      if (next === undefined) {
        await world.finish();
        break;
      }
      for (const other of others) open.push([...path, other]);
      path.push(next);
      await world.perform(next);
    }
    if (world.problems.length > 0) {
      return { states: seen.size, isComplete: false, violation: print(world.problems, path) };
    }
  }
  return { states: seen.size, isComplete: open.length === 0, violation: undefined };
}

/**
 * Lets happen what has the highest rank each time, in a world that finishes anywhere. Ranks stay for a while, in some walks
 * longer than in others, so that some of those who take part get far ahead of others: orders that are chosen evenly hardly
 * ever show that.
 * @param choices numbers, one for each thing that happens: ranks are made of them, and they tell when one is changed.
 * @returns like a violation of `explore`.
 */
export async function walk(openWorld: OpenWorld, choices: readonly number[]): Promise<string | undefined> {
  const world = await openWorld();
  const ranks = new Map<string, number>();
  const path: string[] = [];
  const stepsUntilChange = 1 + ((choices[0] ?? 0) % stepsUntilChangeMax);
  for (const choice of choices) {
    const [action] = world.enabled().toSorted((a, b) => rankOf(ranks, b, choice) - rankOf(ranks, a, choice));
    if (action === undefined || world.problems.length > 0) break;
    path.push(action);
    await world.perform(action);
    if (choice % stepsUntilChange === 0) ranks.delete(action);
  }
  if (world.problems.length === 0) await world.finish();
  return world.problems.length === 0 ? undefined : print(world.problems, path);
}

/** How many steps it takes on average until the rank of what happens is another one, at most. */
const stepsUntilChangeMax = 6;

function rankOf(ranks: Map<string, number>, action: string, choice: number): number {
  const known = ranks.get(action);
  if (known !== undefined) return known;
  const rank = ((choice + ranks.size + 1) * 40_503) % 65_521;
  ranks.set(action, rank);
  return rank;
}

/** @param schedule what a violation printed behind "after". @returns what is wrong then. */
export async function replay(openWorld: OpenWorld, schedule: string): Promise<readonly string[]> {
  const world = await perform(openWorld, schedule.split(', '));
  const isAtEnd = world.finishesAnywhere === true || world.enabled().length === 0;
  if (world.problems.length === 0 && isAtEnd) await world.finish();
  return world.problems;
}

/** The actions that a violation has led to. */
export function scheduleIn(violation: string): string {
  const at = violation.indexOf(after);
  return at < 0 ? '' : violation.slice(at + after.length);
}

async function perform(openWorld: OpenWorld, actions: readonly string[]): Promise<World> {
  const world = await openWorld();
  for (const action of actions) await world.perform(action);
  return world;
}

function print(problems: readonly string[], path: readonly string[]): string {
  return `${problems.join('; ')}${after}${path.join(', ')}`;
}

const after = ', after: ';
