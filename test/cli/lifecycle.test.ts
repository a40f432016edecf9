import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Lifecycle } from '../../cli/lifecycle.ts';
import type { Log } from '../../cli/log.ts';

const closeDeadlineMs = 1_000;

/** A lifecycle on a process that only records its exits. */
class Subject {
  readonly process = new EventEmitter();
  readonly exits: number[] = [];
  readonly said: string[] = [];
  nowMs = 0;
  readonly lifecycle: Lifecycle;

  constructor() {
    const say = (_details: object, message: string) => void this.said.push(message);
    const log: Log = { info: say, warn: say, error: say, fatal: say, isLevelEnabled: () => true };
    const clock = { now: () => this.nowMs, monotonic: () => this.nowMs };
    this.lifecycle = new Lifecycle({
      log,
      clock,
      closeDeadlineMs,
      exit: (code) => void this.exits.push(code),
    });
    this.lifecycle.watch(this.process as NodeJS.Process);
  }

  /** Opens a part that closes when it is told to. */
  part(name: string): { closing: boolean; closed(error?: Error): void } {
    const part = { closing: false, closed: (_error?: Error) => {} };
    this.lifecycle.opened(name, () => {
      part.closing = true;
      return new Promise((resolve, reject) => {
        part.closed = (error) => (error === undefined ? resolve() : reject(error));
      });
    });
    return part;
  }
}

/** Lets everything run that waits for nothing but promises. */
const settle = () => vi.advanceTimersByTimeAsync(0);

let subject: Subject;
beforeEach(() => {
  vi.useFakeTimers();
  subject = new Subject();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a signal', () => {
  test.each(['SIGTERM', 'SIGINT'])(
    '%s closes the parts one by one, the last opened first, and exits with 0',
    async (signal) => {
      const engine = subject.part('engine');
      const front = subject.part('front');
      subject.process.emit(signal);
      await settle();
      expect([front.closing, engine.closing]).toEqual([true, false]);
      front.closed();
      await settle();
      expect([engine.closing, subject.exits]).toEqual([true, []]);
      engine.closed();
      await settle();
      expect(subject.exits).toEqual([0]);
    },
  );

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('%s while closing exits at once with %d', async (signal, code) => {
    subject.part('engine');
    subject.process.emit('SIGTERM');
    await settle();
    subject.nowMs = 251;
    subject.process.emit(signal);
    expect(subject.exits).toEqual([code]);
  });

  test('that comes twice within a moment, as npm and terminals send it, counts once', async () => {
    const engine = subject.part('engine');
    subject.process.emit('SIGINT');
    subject.nowMs = 5;
    subject.process.emit('SIGINT');
    await settle();
    expect(subject.exits).toEqual([]);
    engine.closed();
    await settle();
    expect(subject.exits).toEqual([0]);
  });
});

describe('closing', () => {
  test('goes on where a part fails, and exits with 1', async () => {
    const engine = subject.part('engine');
    const front = subject.part('front');
    subject.process.emit('SIGTERM');
    await settle();
    front.closed(new Error('no'));
    await settle();
    engine.closed();
    await settle();
    expect(subject.exits).toEqual([1]);
    expect(subject.said).toContain('cannot close the front');
  });

  test('ends at its deadline with 1', async () => {
    subject.part('engine');
    subject.process.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(closeDeadlineMs - 1);
    expect(subject.exits).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(subject.exits).toEqual([1]);
    expect(subject.said).toContain('not closed in time');
  });

  test('is done once, whoever asks', async () => {
    const engine = subject.part('engine');
    const stopped = subject.lifecycle.stop(1);
    subject.process.emit('SIGTERM');
    await settle();
    engine.closed();
    await stopped;
    expect(subject.exits[0]).toBe(1);
    expect(subject.lifecycle.isStopping).toBe(true);
  });
});

test.each(['uncaughtException', 'unhandledRejection'])(
  '%s exits at once with 1 and closes nothing',
  (event) => {
    const engine = subject.part('engine');
    subject.process.emit(event, new Error('unexpected'));
    expect(subject.exits).toEqual([1]);
    expect(engine.closing).toBe(false);
  },
);
