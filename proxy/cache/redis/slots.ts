export const slotCount = 16_384;

/**
 * The slot of a name: CRC16 of what stands between its first `{` and the next `}`, where that is anything; else of the
 * whole name (Redis cluster specification, "Hash tags").
 */
export function slotOf(name: string): number {
  const open = name.indexOf('{');
  const close = open < 0 ? -1 : name.indexOf('}', open + 1);
  const hashed = close > open + 1 ? name.slice(open + 1, close) : name;
  return crc16(hashed) % slotCount;
}

/** The slots that one master has. */
export interface MasterSlots {
  readonly host: string;
  readonly port: number;
  readonly ranges: readonly SlotRange[];
}

/** Both ends are in it. */
export type SlotRange = readonly [first: number, last: number];

/**
 * @param reply of CLUSTER SLOTS, strings as Buffers or strings.
 * @param askedHost stands for a host that the node does not know of itself.
 */
export function readSlots(reply: unknown, askedHost: string): MasterSlots[] {
  const masters = new Map<string, { host: string; port: number; ranges: SlotRange[] }>();
  for (const range of reply as readonly [number, number, ...unknown[]][]) {
    const [first, last, master] = range;
    const [announced, port] = master as readonly [unknown, number];
    const host = hostIn(announced) ?? askedHost;
    const key = `${host} ${port}`;
    const known = masters.get(key) ?? { host, port, ranges: [] };
    known.ranges.push([first, last]);
    masters.set(key, known);
  }
  return [...masters.values()];
}

function hostIn(announced: unknown): string | undefined {
  const host = announced === null ? '' : String(announced);
  return host === '' || host === '?' ? undefined : host;
}

/** A master of a single slot is met after 16,384 tags on average. */
const tagsMax = 400_000;

/** A hash tag whose slot is in one of these ranges. */
export function tagWithin(ranges: readonly SlotRange[]): string | undefined {
  for (let number = 0; number < tagsMax; number += 1) {
    const slot = crc16(`${number}`) % slotCount;
    if (ranges.some(([first, last]) => first <= slot && slot <= last)) return `${number}`;
  }
  return undefined;
}

/** CRC-16/XMODEM, a byte at a time. */
const crcTable = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});

function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc = ((crc << 8) ^ (crcTable[((crc >> 8) ^ byte) & 0xff] ?? 0)) & 0xffff;
  }
  return crc;
}
