import { setFlagsFromString } from 'node:v8';

/**
 * V8's flags for a server, which `tuneHeap` sets. Nearly all that a request allocates is garbage once it is answered. After a
 * burst, in which much has to wait and so outlives a collection or two, V8 takes the objects made in those places of the code for
 * long-lived, and from then on makes them in the old part of the heap: there they are not collected for long, and keep alive what
 * they refer to. A server that has had one burst would so spend a third of its time on collections. (A proxy that answers
 * from Redis, measured on Node 20: 50 us of processor time for a request instead of 35, and more than twice the p99.)
 */
export const heapFlags = '--no-allocation-site-pretenuring';

/** Has to be called before the first request. */
export function tuneHeap(): void {
  setFlagsFromString(heapFlags);
}
