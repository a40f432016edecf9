import type { Logger } from '../../protocol/logger.ts';
import type { Credentials } from '../../protocol/sigv4.ts';

/** Gives the credentials of the moment; whoever makes one keeps them until they expire. */
export type CredentialsProvider = () => Promise<Credentials>;

const localCredentials: Credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

/**
 * The proxy's own credentials: those of AWS's standard chain (environment, shared files, SSO, container, instance).
 * An endpoint on this machine that needs none is called as `local`.
 * @param provider in the place of the standard chain.
 * @throws Error where there are none and the endpoint is elsewhere; it names what to do.
 */
export async function openCredentials(
  url: URL,
  isLocal: boolean,
  log: Logger,
  provider?: CredentialsProvider,
): Promise<CredentialsProvider> {
  const chain = provider ?? (await standardChain());
  try {
    await chain();
    return chain;
  } catch (error) {
    if (!isLocal) {
      throw new Error(
        `no AWS credentials to call ${url.origin} with: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, ` +
          `or run where a role is attached (${error instanceof Error ? error.message : error})`,
        { cause: error },
      );
    }
    log.info({ upstream: url.origin }, 'no AWS credentials found: calling the upstream as local/local');
    return async () => localCredentials;
  }
}

/** Loaded when it is needed: the SDK's providers take a while to load, and the embedded engine never asks. */
async function standardChain(): Promise<CredentialsProvider> {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  return fromNodeProviderChain({ timeout: 1_000, maxRetries: 1 });
}
