import { statfs } from 'node:fs/promises';
import type { Logger } from '../protocol/logger.ts';

export interface DiskReserveOptions {
  /** A folder on the disk that is watched. */
  readonly directory: string;
  /** Free bytes below which writes are refused; 0 for no reserve. */
  readonly reserveBytes: number;
  readonly log: Logger;
  /** Free bytes of the disk; the operating system's word where absent. */
  readonly freeBytes?: (directory: string) => Promise<number>;
}

/**
 * Keeps room on the disk. The log would take its last byte, and LMDB could then not take over what it holds, so that
 * no log segment could be removed either: writes are refused while there is still room to come out of that.
 */
export class DiskReserve {
  readonly #options: DiskReserveOptions;
  readonly #timer: NodeJS.Timeout;
  #isLow = false;

  private constructor(options: DiskReserveOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#look(), lookMs).unref();
  }

  static async open(options: DiskReserveOptions): Promise<DiskReserve> {
    const reserve = new DiskReserve(options);
    await reserve.#look();
    return reserve;
  }

  /** Why writes are refused now; undefined if they are not. */
  get refusal(): string | undefined {
    if (!this.#isLow) return undefined;
    const { directory, reserveBytes } = this.#options;
    return `The disk of ${directory} has less than ${reserveBytes} bytes free, so nothing can be written. Free some space.`;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A disk that tells nothing is taken for one with room: the log itself notices when there is none. */
  async #look(): Promise<void> {
    const { directory, reserveBytes, log, freeBytes = freeBytesOf } = this.#options;
    if (reserveBytes === 0) return;
    const free = await freeBytes(directory).catch(() => Number.POSITIVE_INFINITY);
    const isLow = free < reserveBytes;
    if (isLow !== this.#isLow) {
      if (isLow) log.error({ directory, free, reserveBytes }, 'the disk is nearly full: writes are refused');
      else log.info({ directory, free }, 'the disk has room again: writes are accepted');
    }
    this.#isLow = isLow;
  }
}

/** A disk takes a second and more to fill the reserve. */
const lookMs = 500;

async function freeBytesOf(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
