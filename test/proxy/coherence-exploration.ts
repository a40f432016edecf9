import type { Mutant } from './coherence-mutants.ts';
import { type Rules, realRules, type Scenario, World } from './coherence-world.ts';
import { describeMutants, describeScenarios } from './exploration.ts';
import { explore, type OpenWorld } from './explorer.ts';

/** Tries every order of events, with all rules and without each of them. */
export function describeExploration(
  subject: string,
  scenarios: Readonly<Record<string, Scenario>>,
  mutants: readonly Mutant[],
): void {
  describeScenarios(`${subject}, in every order of events`, scenarios, (scenario) =>
    explore(open(scenario, realRules)),
  );
  const title = `the exploration notices a missing rule of ${subject}`;
  describeMutants(title, mutants, open, realRules, async ({ scenario, rules }) => {
    const { violation = '' } = await explore(open(scenario, rules));
    return violation;
  });
}

function open(scenario: Scenario, rules: Rules): OpenWorld {
  return () => World.open(scenario, rules);
}
