/**
 * How deep the JSON of a single write may be for AWS's newer layer to check it. Values nested 62 levels are within that,
 * 63 levels are not, wherever they stand (measured in October 2026); the bound between them is ours.
 */
const newerDepthMax = 128;

/** Whether AWS leaves a single write to its older layer since values in it are nested too deep. */
export function isTooDeepForNewerLayer(input: object): boolean {
  let level: object[] = [input];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > newerDepthMax) return true;
    level = level.flatMap((container) => Object.values(container).filter(isContainer));
  }
  return false;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
