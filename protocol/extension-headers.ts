/**
 * What calls and replies can carry that is Slipstream's own and not AWS's, as headers of HTTP. A store that does not know them
 * answers as if they were not there, and without those of the reply.
 *
 *     Scan            x-slipstream-snapshot: new | ID      pages of one state of the table; the reply has `x-slipstream-snapshot: ID`
 *                                                          and `x-slipstream-sequence: N`, the state's place in the table's stream
 *     DescribeStream  x-slipstream-roll-shards: now        first closes the stream's open shards, and opens their children
 */
export type ExtensionHeaders = Readonly<Record<string, string>>;

export const snapshotHeader = 'x-slipstream-snapshot';
export const sequenceHeader = 'x-slipstream-sequence';
export const rollShardsHeader = 'x-slipstream-roll-shards';

/** By operation, the header that it may carry. */
const requestHeaders: ReadonlyMap<string, string> = new Map([
  ['Scan', snapshotHeader],
  ['DescribeStream', rollShardsHeader],
]);

const replyHeaders: readonly string[] = [snapshotHeader, sequenceHeader];

/** What a call carries; undefined for nearly every call. @param header the value of a header of the request. */
export function extensionsOfCall(
  operation: string,
  header: (name: string) => string | undefined,
): ExtensionHeaders | undefined {
  const name = requestHeaders.get(operation);
  if (name === undefined) return undefined;
  const value = header(name);
  return value === undefined ? undefined : { [name]: value };
}

/** What a reply carries. @param headers as they came, names in lower case. */
export function extensionsOfReply(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): ExtensionHeaders | undefined {
  if (!replyHeaders.some((name) => typeof headers[name] === 'string')) return undefined;
  const found = replyHeaders.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value]] : [];
  });
  return Object.fromEntries(found) as ExtensionHeaders;
}
