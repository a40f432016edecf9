import { serveWorker } from '../history/worker-thread.ts';
import { digestOf } from './archive-digest.ts';

await serveWorker((path: string, { signal }) => digestOf(path, signal));
