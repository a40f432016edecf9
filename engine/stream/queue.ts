/** First in, first out; the room of what has gone is given back when it is half of all. */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head > keptMin && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** The items from the first one on for which it holds; it has to hold for all that follow. */
  *from(holds: (item: T) => boolean): Generator<T> {
    const items = this.#items;
    let low = this.#head;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(items[middle] as T)) high = middle;
      else low = middle + 1;
    }
    for (let i = low; i < items.length; i++) yield items[i] as T;
  }
}

/** A queue that has been shorter is not worth cutting. */
const keptMin = 64;
