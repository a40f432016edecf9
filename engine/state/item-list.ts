import { crc32 } from 'node:zlib';
import { ItemsJson, type PartJson } from '../../protocol/reply.ts';
import { crcStart, crcStep, crcStepOfBytes, overRow, restBytesMax } from './checksum.ts';
import type { FoundItem } from './found-item.ts';
import { checksumOf, crcOfBeginning, headerBytes, type StateKey, wrongChecksum } from './layout.ts';

/**
 * The items of a page as the JSON list that its reply carries, put together in one buffer as they are found.
 *
 *     [ item , item , item , item ... ]
 *       '--- run ----'   |   '--- run
 *                   from memory
 *
 * Items copied out of LMDB one behind the other are a run. What its checksum has to be follows from those in their
 * values, and the run is checked as a whole when it ends: checksums one by one are a quarter of a page of small items.
 */
export class ItemList {
  #bytes: Buffer = takeSpare();
  #length = 0;
  #run: RunRow[] = [];
  #runStart = 0;
  /** The register that the run has to give. */
  #runCrc = crcStart;

  constructor() {
    this.#byte(openingBracket);
  }

  /** @throws StateDamagedError for it, or for another one of its run. */
  add(found: FoundItem): void {
    const { bytes, start, end, isStored } = found;
    const isInRun = isStored && end - start <= restBytesMax;
    if (!isInRun) this.#endRun();
    if (!isInRun) found.check();
    this.#reserve(end - start + 1);
    this.#separate();
    if (isInRun) this.#addToRun(found);
    this.#bytes.set(bytes.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  /** A part of an item. */
  addPart({ json }: PartJson): void {
    this.#endRun();
    this.#reserve(json.length + 1);
    this.#separate();
    this.#bytes.set(json, this.#length);
    this.#length += json.length;
  }

  /** The list must not be used any more. @throws StateDamagedError */
  finish(): ItemsJson {
    this.#endRun();
    this.#reserve(1);
    this.#byte(closingBracket);
    const json = Buffer.from(this.#bytes.subarray(0, this.#length));
    giveBack(this.#bytes);
    this.#bytes = nothing;
    return new ItemsJson(json);
  }

  #separate(): void {
    if (this.#length === 1) return;
    this.#byte(comma);
    if (this.#run.length > 0) this.#runCrc = crcStep(this.#runCrc, comma);
  }

  #byte(byte: number): void {
    this.#bytes[this.#length++] = byte;
  }

  #addToRun({ key, size, bytes, start, end }: FoundItem): void {
    if (this.#run.length === 0) {
      this.#runStart = this.#length;
      this.#runCrc = crcStart;
    }
    const begun = crcStepOfBytes(crcOfBeginning(key, size), bytes, headerBytes, start);
    const checksum = checksumOf(bytes);
    this.#runCrc = overRow(this.#runCrc, begun, end - start, checksum);
    this.#run.push({ key, begun, checksum, start: this.#length, end: this.#length + end - start });
  }

  #endRun(): void {
    if (this.#run.length === 0) return;
    const run = this.#bytes.subarray(this.#runStart, this.#length);
    if (crc32(run) !== ~this.#runCrc >>> 0) throw this.#damage();
    this.#run = [];
  }

  /** Which row it is that is not what was written. */
  #damage(): Error {
    const isDamaged = ({ begun, checksum, start, end }: RunRow) =>
      crc32(this.#bytes.subarray(start, end), ~begun >>> 0) !== checksum;
    const row = this.#run.find(isDamaged) as RunRow;
    return wrongChecksum(row.key);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

interface RunRow {
  readonly key: StateKey;
  /** The register before the item. */
  readonly begun: number;
  readonly checksum: number;
  /** Where in the list the item begins and ends. */
  readonly start: number;
  readonly end: number;
}

const [openingBracket, comma, closingBracket] = [0x5b, 0x2c, 0x5d];

const nothing = Buffer.alloc(0);
const firstBytes = 64 * 1024;

/** What a page of 1 MB needs, unless its attributes are tiny. */
const spareBytesMax = 4 * 1024 * 1024;

/** The buffer of the list before, so that pages need not grow one each. */
let spare: Buffer = nothing;

function takeSpare(): Buffer {
  const taken = spare.length > 0 ? spare : Buffer.allocUnsafeSlow(firstBytes);
  spare = nothing;
  return taken;
}

function giveBack(bytes: Buffer): void {
  if (bytes.length <= spareBytesMax) spare = bytes;
}
