import type { KeyBytes } from '../../protocol/key.ts';

/** The right to keep one page, and then what the page carries. */
export class PageToken {
  readonly tableId: string;
  /** The name of the page. */
  readonly page: string;
  /** Greater than those of all tokens before. */
  readonly number: number;
  /** How long the page may be kept at most, by the monotonic clock; `Infinity` for no limit. */
  readonly limitMs: number;
  readonly #tables: Map<string, TablePages>;
  readonly #table: TablePages;
  readonly #names: readonly KeyBytes[];
  readonly #generations: readonly Generation[];
  #isReleased = false;

  /** @param names of generations; those that are not there are made. */
  constructor(
    tables: Map<string, TablePages>,
    { tableId, page, number, limitMs }: Pick<PageToken, 'tableId' | 'page' | 'number' | 'limitMs'>,
    table: TablePages,
    names: readonly KeyBytes[],
  ) {
    this.tableId = tableId;
    this.page = page;
    this.number = number;
    this.limitMs = limitMs;
    this.#tables = tables;
    this.#table = table;
    this.#names = names;
    this.#generations = names.map((name) => held(table.generations, name));
  }

  get stands(): boolean {
    if (!this.#table.era.stands) return false;
    for (const generation of this.#generations) if (!generation.stands) return false;
    return true;
  }

  /** What it keeps alive. */
  get bytes(): number {
    return this.#names.reduce((bytes, name) => bytes + name.length + generationBytes, 0);
  }

  /** Lets go of the generations: those that nobody carries any more are no more. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const { generations } = this.#table;
    this.#generations.forEach((generation, i) => {
      const name = this.#names[i] as KeyBytes;
      if (--generation.holders === 0 && generations.get(name) === generation) generations.delete(name);
    });
    if (generations.size === 0 && this.#tables.get(this.tableId) === this.#table) {
      this.#tables.delete(this.tableId);
    }
  }
}

export interface TablePages {
  /** Stands until the table is void. */
  readonly era: { stands: boolean };
  readonly generations: Map<KeyBytes, Generation>;
}

/** Of one place that pages depend on. */
export interface Generation {
  /** Whether nothing there has changed since it was made. */
  stands: boolean;
  /** How many tokens and pages carry it. */
  holders: number;
}

/** What a generation costs besides its name: its object, its place in the table's map and in the page. */
const generationBytes = 150;

function held(generations: Map<KeyBytes, Generation>, name: KeyBytes): Generation {
  let generation = generations.get(name);
  if (generation === undefined) {
    generation = { stands: true, holders: 0 };
    generations.set(name, generation);
  }
  generation.holders++;
  return generation;
}
