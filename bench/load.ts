import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { LoadPlan, LoadResult } from './generator.ts';
import { LatencyRecorder } from './histogram.ts';
import { fillSlots } from './request.ts';

/** The load generator for machines without wrk: a process of its own, raw HTTP/1.1 over `node:net`. */

// 1. A connection has one request under way at most, and changes its request's bytes only while it has none.
// 2. A latency counts only if its request was sent after the warm-up and answered before the end.
// 3. An answer with another status or length than expected ends the process with a failure that shows it.
// 4. Keys and revisions come from one sequence over all connections; no revision is sent twice.

/** What this process spends on compiling its own loop is not measured. */
const WARMUP_MS = 300;
const ANSWER_MS_MAX = 10_000;
const ANSWER_CHARS_SHOWN = 500;
const headerEnd = Buffer.from('\r\n\r\n');
const okStatus = 'HTTP/1.1 200';

class Connection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #loop: Loop;
  #sentMs = 0;
  /** The beginning of an answer whose headers are not all there. */
  #head: Buffer | undefined;
  /** Of the answer's body, once its headers are all there. */
  #missingBytes: number | undefined;

  constructor(loop: Loop, request: Buffer) {
    this.#loop = loop;
    this.#request = Buffer.from(request);
    this.#socket = connect({ port: loop.plan.port, host: '127.0.0.1', noDelay: true });
    this.#socket.setTimeout(ANSWER_MS_MAX, () => fail(`no answer within ${ANSWER_MS_MAX} ms`));
    this.#socket.on('error', (error) => fail(error.message));
    this.#socket.on('close', () => fail('the server closed the connection'));
    this.#socket.on('connect', () => this.#send());
    this.#socket.on('data', (chunk) => this.#receive(chunk));
  }

  end(): void {
    this.#socket.removeAllListeners('close').destroy();
  }

  #send(): void {
    this.#loop.nextRequest(this.#request);
    this.#sentMs = performance.now();
    this.#socket.write(this.#request);
  }

  #receive(chunk: Buffer): void {
    if (this.#missingBytes === undefined) this.#receiveHead(chunk);
    else this.#missingBytes -= chunk.length;
    if (this.#missingBytes === undefined || this.#missingBytes > 0) return;
    if (this.#missingBytes < 0) fail(`the answer is ${-this.#missingBytes} bytes too long`);
    this.#missingBytes = undefined;
    this.#loop.answered(this.#sentMs);
    this.#send();
  }

  #receiveHead(chunk: Buffer): void {
    const received = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk]);
    const bodyBytes = bodyLength(received);
    this.#head = bodyBytes === undefined ? received : undefined;
    if (bodyBytes !== undefined) this.#missingBytes = this.#loop.plan.answerBytes - bodyBytes;
  }
}

/** What all connections of the process share: the sequence of requests and the measured times. */
class Loop {
  readonly plan: LoadPlan;
  readonly #recorder = new LatencyRecorder();
  #measuredFromMs = Number.POSITIVE_INFINITY;
  #answers = 0;
  #random = 1;
  #revision: number;

  constructor(plan: LoadPlan) {
    this.plan = plan;
    this.#revision = plan.revisionStart;
  }

  async run(): Promise<LoadResult> {
    const request = readFileSync(this.plan.requestFile);
    const connections = Array.from({ length: this.plan.connections }, () => new Connection(this, request));
    await sleep(WARMUP_MS);
    this.#measuredFromMs = performance.now();
    await sleep(this.plan.seconds * 1000);
    const elapsedMs = performance.now() - this.#measuredFromMs;
    for (const connection of connections) connection.end();
    return this.#result(elapsedMs);
  }

  nextRequest(request: Buffer): void {
    fillSlots(request, this.plan.slots, this.#nextRandom() % this.plan.keys, this.#revision++);
  }

  answered(sentMs: number): void {
    this.#answers++;
    if (sentMs >= this.#measuredFromMs) this.#recorder.record(performance.now() - sentMs);
  }

  /** Marsaglia's xorshift of 32 bits: cheap, uniform, and the same keys in the same order every time. */
  #nextRandom(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return x >>> 0;
  }

  #result(elapsedMs: number): LoadResult {
    const { count } = this.#recorder;
    if (count === 0) fail('nothing was answered');
    const intervalMs = (elapsedMs * this.plan.connections) / count;
    const requestsPerSecond = (count * 1000) / elapsedMs;
    return { requestsPerSecond, answers: this.#answers, latencyUs: this.#recorder.summary(intervalMs) };
  }
}

/** How much of its body an answer's beginning holds; undefined if its headers are not all there. */
function bodyLength(answer: Buffer): number | undefined {
  const end = answer.indexOf(headerEnd);
  if (end < 0) return undefined;
  if (answer.toString('latin1', 0, okStatus.length) !== okStatus) {
    fail(`unexpected answer: ${answer.toString('latin1', 0, ANSWER_CHARS_SHOWN)}`);
  }
  return answer.length - end - headerEnd.length;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const result = await new Loop(JSON.parse(process.argv[2] ?? '{}') as LoadPlan).run();
process.stdout.write(JSON.stringify(result));
