/** Where in a shard a reader is. It is all in the text that readers carry around, so a restart ends no iterator. */
export interface ShardIterator {
  readonly streamArn: string;
  readonly shardId: string;
  /** Sequence number from which on to read. */
  readonly position: number;
  /** It began at the trim horizon: what had been trimmed when it was issued is skipped. */
  readonly fromHorizon: boolean;
  /** Milliseconds since 1970. */
  readonly issuedMs: number;
}

/** How long an iterator can be used (AWS: API_streams_GetRecords). */
export const iteratorLifeMs = 15 * 60 * 1000;

export function encodeIterator(iterator: ShardIterator): string {
  const { streamArn, shardId, position, fromHorizon, issuedMs } = iterator;
  const place = [shardId, position, fromHorizon ? 1 : 0, issuedMs].join('|');
  return `${streamArn}|${version}|${Buffer.from(place).toString('base64url')}`;
}

/** @returns undefined for what `encodeIterator` cannot have made. */
export function decodeIterator(text: string): ShardIterator | undefined {
  const parts = /^([^|]+)\|1\|([\w-]+)$/.exec(text);
  const place = /^(shardId-[0-9a-f-]+)\|(\d{1,16})\|([01])\|(\d{1,16})$/.exec(
    Buffer.from(parts?.[2] ?? '', 'base64url').toString('latin1'),
  );
  if (parts === null || place === null) return undefined;
  return {
    streamArn: parts[1] ?? '',
    shardId: place[1] ?? '',
    position: Number(place[2]),
    fromHorizon: place[3] === '1',
    issuedMs: Number(place[4]),
  };
}

const version = 1;
