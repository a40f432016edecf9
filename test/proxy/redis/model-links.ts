import type { ModelProxy } from './model-proxy.ts';
import type { Scenario } from './model-scenario.ts';
import type { SimulatedNode } from './simulated-redis.ts';

/** The connections of proxies to masters, numbered proxy by proxy: what arrives, is lost, or breaks. */
export class ModelLinks {
  readonly #proxies: readonly ModelProxy[];
  readonly #masters: number;
  readonly #doesAtOnce: boolean;
  readonly #losesForGood: boolean;
  readonly #left: { lose: number; break: number };
  /** Those of proxies that were killed, with steps that Redis may still do. */
  readonly #ghosts: SimulatedNode[] = [];

  constructor(scenario: Scenario, proxies: readonly ModelProxy[]) {
    this.#proxies = proxies;
    this.#masters = scenario.masters ?? 1;
    this.#doesAtOnce = scenario.doesAtOnce === true;
    this.#losesForGood = scenario.losesForGood === true;
    this.#left = { lose: scenario.lostSteps ?? 0, break: scenario.breaks ?? 0 };
  }

  enabled(): string[] {
    return [
      ...this.#nodes().flatMap((node, i) => this.#actionsOf(node, i)),
      ...this.#ghosts.flatMap(({ late }, i) => (late.length > 0 ? [`do of ghost ${i}`] : [])),
    ];
  }

  do(i: number): void {
    const node = this.#node(i);
    if (!this.#doesAtOnce) {
      node.doNext();
      return;
    }
    for (let count = node.sent.length; count > 0; count--) node.doNext();
    while (node.done.length > 0) this.answer(i);
  }

  answer(i: number): void {
    const node = this.#node(i);
    this.#trace(i, `${node.done[0]?.answer}`);
    node.answerNext();
  }

  hear(i: number): void {
    const node = this.#node(i);
    do {
      this.#trace(i, `heard ${node.announcements[0]}`);
      node.announceNext();
    } while (this.#doesAtOnce && node.announcements.length > 0);
  }

  connect(i: number): void {
    const node = this.#node(i);
    node.comeUp();
    this.#trace(i, `up ${node.runId}`);
  }

  lose(i: number): void {
    this.#left.lose--;
    this.#trace(i, 'lost');
    this.#node(i).loseNext();
  }

  break(i: number): void {
    this.#left.break--;
    this.#trace(i, 'down');
    this.#node(i).goDown();
  }

  doLate(i: number): void {
    this.#node(i).doLate();
  }

  doOfGhost(i: number): void {
    this.#ghosts[i]?.doLate();
  }

  /** Its proxy is gone; what it had sent may still be done. */
  haunt(killed: ModelProxy): void {
    this.#ghosts.push(...killed.nodes);
  }

  fingerprint(): unknown {
    return [this.#left, this.#ghosts.map(({ runId, late }) => [runId, late.length])];
  }

  #actionsOf(node: SimulatedNode, i: number): string[] {
    const actions: string[] = [];
    if (node.sent.length > 0) actions.push(`do ${i}`);
    if (node.done.length > 0) actions.push(`answer ${i}`);
    if (node.announcements.length > 0) actions.push(`hear ${i}`);
    if (node.late.length > 0 && !this.#losesForGood) actions.push(`do late ${i}`);
    if (node.runId === undefined) actions.push(`connect ${i}`);
    if (this.#left.lose > 0 && node.sent.length + node.done.length > 0) actions.push(`lose ${i}`);
    if (this.#left.break > 0 && node.runId !== undefined) actions.push(`break ${i}`);
    return actions;
  }

  #nodes(): SimulatedNode[] {
    return this.#proxies.flatMap(({ nodes }) => nodes);
  }

  #node(i: number): SimulatedNode {
    const node = this.#nodes()[i];
    if (node === undefined) throw new Error(`nothing at ${i}`);
    return node;
  }

  #trace(i: number, text: string): void {
    const proxy = this.#proxies[Math.floor(i / this.#masters)];
    proxy?.trace.push(this.#masters === 1 ? text : `${i} ${text}`);
  }
}
