import { Redis } from 'ioredis';
import { addressName, type RedisAddress } from './address.ts';
import { connectionOptions, infoField, messageOf } from './session.ts';
import { type MasterSlots, readSlots } from './slots.ts';

/** What stands behind the URLs. */
export type Topology =
  | { readonly kind: 'single'; readonly address: RedisAddress }
  | { readonly kind: 'cluster'; readonly masters: readonly MasterSlots[] };

/** For one command of a look. */
const answerMs = 2_000;

/**
 * Asks one address after the other, each on a connection of its own, until one knows.
 * @throws Error with the reason of each that did not.
 */
export async function discover(
  addresses: readonly RedisAddress[],
  ca: string | undefined,
  signal: AbortSignal,
): Promise<Topology> {
  const reasons: string[] = [];
  for (const address of addresses) {
    try {
      return await lookAt(address, ca, signal);
    } catch (error) {
      reasons.push(`${addressName(address)}: ${messageOf(error)}`);
    }
  }
  throw new Error(reasons.join('; '));
}

/** @param slots what CLUSTER SLOTS answered. */
export function clusterOf(slots: unknown, askedHost: string): Topology {
  return { kind: 'cluster', masters: readSlots(slots, askedHost) };
}

async function lookAt(address: RedisAddress, ca: string | undefined, signal: AbortSignal): Promise<Topology> {
  signal.throwIfAborted();
  const connection = new Redis({ ...connectionOptions({ address, ca }), commandTimeout: answerMs });
  let failure: string | undefined;
  connection.on('error', (error: Error) => {
    failure ??= error.message;
  });
  const stop = () => connection.disconnect();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await connection.connect();
    return await ask(connection, address);
  } catch (error) {
    throw new Error(failure ?? messageOf(error));
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

async function ask(connection: Redis, address: RedisAddress): Promise<Topology> {
  const mode = infoField(await connection.info('server'), 'redis_mode');
  if (mode !== 'cluster') return { kind: 'single', address };
  // A node that the others have left may still have the old map.
  if (infoField(String(await connection.cluster('INFO')), 'cluster_state') !== 'ok') {
    throw new Error('its cluster is not well');
  }
  return clusterOf(await connection.cluster('SLOTS'), address.host);
}
