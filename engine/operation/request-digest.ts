import { createHash } from 'node:crypto';

/**
 * Tells requests apart that are not the same, whatever the order of members in their JSON: the first 128 bits of a
 * SHA-256, in base64url.
 * @param value JSON, validated: its depth is bounded.
 */
export function requestDigest(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest().toString('base64url', 0, digestBytes);
}

const digestBytes = 16;

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(byName);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
