import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { legacy, reads, storedItem, TableName, tables, writes } from './requests.ts';
import { createTable, openSetups, type Setup, untilActive } from './setups.ts';
import { Watch } from './watch.ts';
import { type Answer, Wire } from './wire.ts';

/** What is put in the place of everything in a request that is fine. */
const replacements = [null, true, 0, -1, 1.5, '', 'x', [], [null], {}, { S: 'x' }] as const;

/** One way of serving, to which all variants of a request are sent one after the other. */
class Bench {
  readonly #setup: Setup;
  readonly #wire: Wire;
  #watch: Watch | undefined;

  constructor(setup: Setup) {
    this.#setup = setup;
    this.#wire = new Wire(setup);
  }

  async open(): Promise<void> {
    this.#watch = await Watch.over(this.#setup);
    await createTable(this.#setup.dynamo, TableName, { s: 'N' });
    await this.#wire.call('PutItem', { TableName, Item: storedItem });
  }

  async close(): Promise<void> {
    await this.#watch?.check();
    this.#wire.close();
  }

  async answers(operation: string, input: object): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const variant of variantsOf(input)) answers.push(await this.#answer(operation, variant));
    return answers;
  }

  async answersOfWrite(operation: string, input: object): Promise<Answer[]> {
    const answers: Answer[] = [];
    let before = await this.#contents();
    for (const variant of variantsOf(input)) {
      const answer = await this.#answer(operation, variant);
      const after = await this.#contents();
      if (answer.status !== 200) expect([variant, after]).toEqual([variant, before]);
      before = after;
      answers.push(answer);
    }
    return answers;
  }

  /** In a region of its own, where it does not matter what becomes of the tables. */
  async answersOnTables(operation: string, input: object): Promise<Answer[]> {
    const region = `types-${this.#setup.name}`;
    const answers: Answer[] = [];
    for (const variant of [input, ...variantsOf(input)]) {
      const answer = await this.#answer(operation, variant, region);
      answers.push(answer);
      const changed = /^(Create|Update)Table$/.test(operation) && answer.status === 200;
      if (changed) await untilActive(this.#setup.clientIn(region), 'mistyped-too');
    }
    return answers;
  }

  async #answer(operation: string, variant: unknown, region?: string): Promise<Answer> {
    const answer = await this.#wire.send(operation, JSON.stringify(variant), {}, region);
    if (answer.status !== 200) {
      const { status, error } = answer;
      expect([variant, status, refusals.has(error)]).toEqual([variant, 400, true]);
    }
    return answer;
  }

  async #contents(): Promise<string> {
    const { body } = await this.#wire.call('Scan', { TableName });
    return body;
  }
}

const refusals: ReadonlySet<string> = new Set([
  'ConditionalCheckFailedException',
  'ResourceInUseException',
  'ResourceNotFoundException',
  'SerializationException',
  'ValidationException',
]);

const setups = openSetups();
const benches = setups.map((setup) => new Bench(setup));
beforeAll(() => Promise.all(benches.map((bench) => bench.open())));
afterAll(() => Promise.all(benches.map((bench) => bench.close())));

describe('another JSON type anywhere in a request is refused, or fine, and the same everywhere', () => {
  test.each([...reads, ...legacy])('%s', async (operation, input) => {
    const answers = await Promise.all(benches.map((bench) => bench.answers(operation, input)));
    expectSame(answers, ({ status, body }) => `${status} ${body}`);
  });

  test.each(writes)('%s, which changes nothing where it is refused', async (operation, input) => {
    const answers = await Promise.all(benches.map((bench) => bench.answersOfWrite(operation, input)));
    expectSame(answers, ({ status, body }) => `${status} ${body}`);
  });

  test.each(tables)('%s', async (operation, input) => {
    const answers = await Promise.all(benches.map((bench) => bench.answersOnTables(operation, input)));
    expectSame(answers, ({ status, error, message }) => `${status} ${error} ${message}`);
  });
});

/** The request with each of its parts, in turn, replaced by each of the replacements. */
function* variantsOf(part: unknown): Generator<unknown> {
  yield* replacements;
  if (Array.isArray(part)) {
    for (const [i, element] of part.entries())
      for (const variant of variantsOf(element)) yield part.with(i, variant);
  } else if (typeof part === 'object' && part !== null) {
    for (const [name, member] of Object.entries(part)) {
      for (const variant of variantsOf(member)) yield { ...part, [name]: variant };
    }
  }
}

function expectSame(answers: readonly Answer[][], told: (answer: Answer) => string): void {
  const [first = [], ...others] = answers.map((ofSetup) => ofSetup.map(told));
  expect(first.length).toBeGreaterThan(replacements.length - 1);
  for (const other of others) expect(other).toEqual(first);
}
