import { crc32 } from 'node:zlib';
import { ItemsJson, type Output, type PartJson, Reply } from '../../protocol/reply.ts';
import { crcStep, crcStepOfBytes, overRow, restBytesMax } from './checksum.ts';
import type { FoundItem } from './found-item.ts';
import { checksumOf, crcOfBeginning, headerBytes, type StateKey, wrongChecksum } from './layout.ts';

/**
 * The body of a page's reply, put together in one buffer as its items are found.
 *
 *     {"Items":[ item , item , item , item ... ],"Count":2,...}
 *                '--- run ----'   |   '--- run
 *                            from memory
 *
 * The checksum of the body, which replies carry, goes over each byte once, and shows as well that the items are what was
 * written: those copied out of LMDB one behind the other are a run. What the checksum has to be behind a run follows from
 * those in the values. To check items one by one would take as long again as all else about a page of small ones.
 */
export class PageBody {
  #bytes: Buffer = takeSpare();
  #length = opening.length;
  /** Of the bytes before `#summed`. */
  #checksum = openingChecksum;
  #summed = opening.length;
  #run: RunRow[] = [];
  /** The register that there has to be behind the run. */
  #runCrc = 0;

  constructor() {
    this.#bytes.set(opening);
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
    this.#length += bytes.copy(this.#bytes, this.#length, start, end);
  }

  /** A part of an item. */
  addPart({ json }: PartJson): void {
    this.#endRun();
    this.#reserve(json.length + 1);
    this.#separate();
    this.#bytes.set(json, this.#length);
    this.#length += json.length;
  }

  /**
   * The reply with the list as its `Items`. No more can be added.
   * @param members what else is in the reply, at least one.
   * @throws StateDamagedError
   */
  finish(members: Output): Reply {
    this.#endRun();
    const listEnd = this.#length + 1;
    const closing = `],${JSON.stringify(members).slice(1)}`;
    this.#reserve(Buffer.byteLength(closing));
    this.#length += this.#bytes.write(closing, this.#length);
    const body = Buffer.from(this.#bytes.subarray(0, this.#length));
    const checksum = this.#sum();
    giveBack(this.#bytes);
    this.#bytes = nothing;
    const items = new ItemsJson(body.subarray(opening.length - 1, listEnd));
    return new SummedReply({ Items: items, ...members }, body, checksum);
  }

  #separate(): void {
    if (this.#length === opening.length) return;
    this.#bytes[this.#length++] = comma;
    if (this.#run.length > 0) this.#runCrc = crcStep(this.#runCrc, comma);
  }

  #addToRun({ key, size, bytes, start, end }: FoundItem): void {
    if (this.#run.length === 0) this.#runCrc = ~this.#sum();
    const begun = crcStepOfBytes(crcOfBeginning(key, size), bytes, headerBytes, start);
    const checksum = checksumOf(bytes);
    this.#runCrc = overRow(this.#runCrc, begun, end - start, checksum);
    this.#run.push({ key, begun, checksum, start: this.#length, end: this.#length + end - start });
  }

  #endRun(): void {
    if (this.#run.length === 0) return;
    if (this.#sum() !== ~this.#runCrc >>> 0) throw this.#damage();
    this.#run = [];
  }

  /** The checksum of all that is there. */
  #sum(): number {
    if (this.#summed < this.#length) {
      this.#checksum = crc32(this.#bytes.subarray(this.#summed, this.#length), this.#checksum);
      this.#summed = this.#length;
    }
    return this.#checksum;
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
  /** Where in the body the item begins and ends. */
  readonly start: number;
  readonly end: number;
}

/** A reply of which the checksum is known. */
class SummedReply extends Reply {
  readonly #checksum: number;

  constructor(output: Output, body: Buffer, checksum: number) {
    super(output, body);
    this.#checksum = checksum;
  }

  override get crc32(): number {
    return this.#checksum;
  }
}

const opening = Buffer.from('{"Items":[');
const openingChecksum = crc32(opening);
const comma = 0x2c;

const nothing = Buffer.alloc(0);
const firstBytes = 64 * 1024;

/** What a page of 1 MB needs, unless its attributes are tiny. */
const spareBytesMax = 4 * 1024 * 1024;

/** The buffer of the page before, so that pages need not grow one each. */
let spare: Buffer = nothing;

function takeSpare(): Buffer {
  const taken = spare.length > 0 ? spare : Buffer.allocUnsafeSlow(firstBytes);
  spare = nothing;
  return taken;
}

function giveBack(bytes: Buffer): void {
  if (bytes.length <= spareBytesMax) spare = bytes;
}
