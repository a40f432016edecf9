import { describe, expect, it } from 'vitest';
import { type Exploration, type OpenWorld, replay, scheduleIn } from './explorer.ts';

/** A protocol without one of its rules, and a scenario in which that is noticed. */
export interface Mutant<Scenario, Rules> {
  /** The rule that is missing. */
  readonly without: string;
  readonly scenario: Scenario;
  readonly rules: Rules;
}

/** Each scenario has to come to its end without a violation, whatever the order of events. */
export function describeScenarios<Scenario>(
  title: string,
  scenarios: Readonly<Record<string, Scenario>>,
  exploreAll: (scenario: Scenario) => Promise<Exploration>,
): void {
  describe(title, () => {
    it.each(Object.entries(scenarios))(
      '%s',
      async (_name, scenario) => {
        const { states, isComplete, violation } = await exploreAll(scenario);
        expect(violation).toBeUndefined();
        expect(isComplete).toBe(true);
        expect(states).toBeGreaterThan(10);
      },
      120_000,
    );
  });
}

/**
 * Each mutant has to lead to a violation, which the real rules do not lead to by the same events.
 * @param find gives the violation, or ''.
 */
export function describeMutants<Scenario, Rules, M extends Mutant<Scenario, Rules>>(
  title: string,
  mutants: readonly M[],
  open: (scenario: Scenario, rules: Rules) => OpenWorld,
  realRules: Rules,
  find: (mutant: M) => Promise<string>,
): void {
  describe(title, () => {
    it.each(mutants)(
      '$without',
      async (mutant) => {
        const schedule = scheduleIn(await find(mutant));
        expect(schedule).not.toBe('');
        expect(await replay(open(mutant.scenario, realRules), schedule)).toEqual([]);
      },
      60_000,
    );
  });
}
