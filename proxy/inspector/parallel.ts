/**
 * Calls `act` with all elements, of which at most `actsMax` are under way at once.
 * @throws what the first failing call or the source throws, once the calls under way have ended; the rest is not begun.
 */
export async function inParallel<T>(
  actsMax: number,
  source: Iterable<T> | AsyncIterable<T>,
  act: (element: T) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const begin = (element: T) => {
    const call: Promise<void> = act(element)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => underWay.delete(call));
    underWay.add(call);
  };
  try {
    for await (const element of source) {
      begin(element);
      if (underWay.size >= actsMax) await Promise.race(underWay);
      if (failure !== undefined) break;
    }
  } finally {
    await Promise.all(underWay);
  }
  if (failure !== undefined) throw failure.error;
}
