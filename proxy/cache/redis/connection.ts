import type { Clock } from '../../../protocol/clock.ts';
import type { Logger } from '../../../protocol/logger.ts';
import { addressName, parseRedisUrl, type RedisAddress } from './address.ts';
import { ConnectedNode } from './connected-node.ts';
import { clusterOf, discover, type Topology } from './discovery.ts';
import type { RedisEvents, RedisNodes } from './node.ts';
import { messageOf } from './session.ts';
import { type MasterSlots, slotCount, slotOf, tagWithin } from './slots.ts';

export interface RedisOptions {
  /** Of one server, or of some nodes of a cluster; see `parseRedisUrl`. Those of a cluster share user, password and TLS. */
  readonly urls: readonly string[];
  /** From a step to its answer, 1 ms at least. */
  readonly timeoutMs: number;
  /** Of the names that are announced. No name of the caller's begins with it and `beat:`. */
  readonly trackedPrefix: string;
  /** In the place of the well-known authorities, in PEM. */
  readonly ca?: string | undefined;
  /** They come in later turns than that of `openRedis`. */
  readonly events: RedisEvents;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Connects to Redis in the background, for as long as it takes, again and again.
 * @throws Error for URLs that are wrong.
 */
export function openRedis(options: RedisOptions): RedisNodes {
  const seeds = options.urls.map(parseRedisUrl);
  const [first] = seeds;
  if (first === undefined) throw new Error('no Redis URL is given');
  if (seeds.length > 1 && seeds.some(({ database }) => database !== 0)) {
    throw new Error('a Redis cluster has no databases other than 0');
  }
  return new RedisConnections(options, seeds, first);
}

/**
 * Between two looks at the slots of a cluster. What others write to a master that has just got slots is not heard before it
 * is on the map here, so this is how long its names may be served from L1 as they were.
 */
const lookMs = 1_000;
/** However many steps are answered that their slot is elsewhere. */
const lookMsMin = 100;

/**
 * 1. A node is there from the moment in which the map names it until the moment in which the map does not: a name has
 *    one node or none, never two.
 * 2. A map comes from a node that is up, as one that the others have left may still tell the old one; only where none
 *    is up, from any that says that the cluster is well.
 * 3. One look at the slots at a time.
 */
class RedisConnections implements RedisNodes {
  readonly #options: RedisOptions;
  readonly #seeds: readonly RedisAddress[];
  /** Whose user, password and TLS all nodes share. */
  readonly #model: RedisAddress;
  /** By their names. */
  readonly #nodes = new Map<string, ConnectedNode>();
  #all: readonly ConnectedNode[] = [];
  /** Undefined where there is no cluster: then the only node has all names. */
  #bySlot: (ConnectedNode | undefined)[] | undefined;
  #only: ConnectedNode | undefined;
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #isLooking = false;
  /** What the log has of why there is no map. */
  #loggedReason: string | undefined;

  constructor(options: RedisOptions, seeds: readonly RedisAddress[], model: RedisAddress) {
    this.#options = options;
    this.#seeds = seeds;
    this.#model = model;
    this.#lookIn(0);
  }

  nodeOf(name: string): ConnectedNode | undefined {
    return this.#bySlot === undefined ? this.#only : this.#bySlot[slotOf(name)];
  }

  all(): readonly ConnectedNode[] {
    return this.#all;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    for (const node of this.#nodes.values()) node.close();
  }

  /** What is no cluster has nothing to look at; it comes back as it was, or not at all. */
  #lookSoon(): void {
    if (this.#bySlot === undefined) return;
    const sinceMs = this.#options.clock.monotonic() - this.#lookedMs;
    this.#lookIn(Math.max(0, lookMsMin - sinceMs));
  }

  #lookIn(pauseMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#closing.signal.aborted) this.#timer = setTimeout(() => void this.#look(), pauseMs);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return this.#lookIn(lookMsMin);
    this.#isLooking = true;
    this.#lookedMs = this.#options.clock.monotonic();
    const topology = await this.#topology().catch((error) => this.#logFailure(messageOf(error)));
    this.#isLooking = false;
    if (this.#closing.signal.aborted) return;
    if (topology === undefined) return this.#lookIn(lookMs);
    this.#apply(topology);
  }

  async #topology(): Promise<Topology> {
    const nodes = this.all();
    for (const node of nodes) {
      if (node.runId === undefined) continue;
      const slots = await node.ask('cluster', 'slots').catch(() => undefined);
      if (slots !== undefined) return clusterOf(slots, node.address.host);
    }
    const addresses = [...nodes.map(({ address }) => address), ...this.#seeds];
    const distinct = new Map(addresses.map((address) => [addressName(address), address]));
    return discover([...distinct.values()], this.#options.ca, this.#closing.signal);
  }

  #logFailure(reason: string): undefined {
    if (this.#closing.signal.aborted || reason === this.#loggedReason) return;
    this.#loggedReason = reason;
    this.#options.log.warn({ reason }, 'Redis cannot be found');
  }

  #apply(topology: Topology): void {
    if (topology.kind === 'cluster') {
      this.#applySlots(topology.masters);
      this.#lookIn(lookMs);
    } else if (this.#seeds.length === 1) {
      this.#only = this.#nodeAt(topology.address, undefined);
    } else {
      this.#logFailure(
        `${addressName(topology.address)} is no node of a cluster, and there are several URLs`,
      );
      this.#lookIn(lookMs);
      return;
    }
    this.#loggedReason = undefined;
  }

  #applySlots(masters: readonly MasterSlots[]): void {
    const bySlot = new Array<ConnectedNode | undefined>(slotCount).fill(undefined);
    const gone = new Map(this.#nodes);
    for (const { host, port, ranges } of masters) {
      const node = this.#nodeAt({ ...this.#model, host, port }, tagWithin(ranges));
      gone.delete(node.name);
      for (const [first, last] of ranges) bySlot.fill(node, first, last + 1);
    }
    this.#bySlot = bySlot;
    for (const [name, node] of gone) {
      this.#nodes.delete(name);
      this.#all = [...this.#nodes.values()];
      node.close();
    }
  }

  #nodeAt(address: RedisAddress, beatTag: string | undefined): ConnectedNode {
    const known = this.#nodes.get(addressName(address));
    if (known !== undefined) {
      known.moveBeat(beatTag);
      return known;
    }
    const doubted = () => this.#lookSoon();
    const node = new ConnectedNode({ ...this.#options, address, doubted }, beatTag);
    this.#nodes.set(node.name, node);
    this.#all = [...this.#nodes.values()];
    return node;
  }
}
