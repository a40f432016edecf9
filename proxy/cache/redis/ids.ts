import { randomBytes } from 'node:crypto';

/** @returns a source of short ids that no other source, in any process, gives. */
export function newIds(): () => string {
  const source = randomBytes(9).toString('base64url');
  let count = 0;
  return () => {
    count++;
    return `${source}${count.toString(36)}`;
  };
}

/** Calls the task each `periodMs` without keeping the process alive. */
export function everyInterval(periodMs: number, task: () => void): () => void {
  const timer = setInterval(task, periodMs).unref();
  return () => clearInterval(timer);
}
