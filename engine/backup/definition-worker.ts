import type { DefinitionPlan } from '../history/load-plan.ts';
import { definitionAt } from '../history/loaded-rows.ts';
import { serveWorker } from '../history/worker-thread.ts';

await serveWorker((plan: DefinitionPlan) => definitionAt(plan));
