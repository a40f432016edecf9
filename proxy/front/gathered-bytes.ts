/** Memory that many owners share: what is reserved never exceeds `bytesMax`. */
export class MemoryBudget {
  readonly bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @returns false, and reserves nothing, where the budget does not have them. */
  reserve(bytes: number): boolean {
    if (this.#bytes + bytes > this.bytesMax) return false;
    this.#bytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }
}

const firstBytes = 4 * 1024;

/**
 * Bytes that arrive in pieces, copied into one buffer that doubles: each byte is copied twice at most on average,
 * and a client that sends single bytes costs no more memory than one that sends them at once.
 */
export class GatheredBytes {
  readonly #budget: MemoryBudget;
  /** The length never exceeds it, so the buffer does not either. */
  readonly #bytesMax: number;
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(budget: MemoryBudget, bytesMax: number) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#length;
  }

  /** What is gathered, sharing its memory. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** @returns false, and takes nothing, where the budget is used up. */
  append(source: Buffer, start: number, end: number): boolean {
    const length = this.#length + end - start;
    if (length > this.#buffer.length && !this.#grow(length)) return false;
    source.copy(this.#buffer, this.#length, start, end);
    this.#length = length;
    return true;
  }

  /** Lets go of the memory. The bytes handed out stay valid; they only no longer count. */
  release(): void {
    this.#budget.release(this.#buffer.length);
    this.#buffer = Buffer.alloc(0);
    this.#length = 0;
  }

  #grow(length: number): boolean {
    const capacity = Math.max(
      length,
      Math.min(this.#bytesMax, Math.max(firstBytes, this.#buffer.length * 2)),
    );
    if (!this.#budget.reserve(capacity - this.#buffer.length)) return false;
    const grown = Buffer.allocUnsafeSlow(capacity);
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    return true;
  }
}
