/**
 * CRC-32 as zlib computes it, piece by piece. A register holds the state before zlib's last inversion: it begins as -1,
 * and the checksum is its complement.
 *
 * The register is linear: that over a row is that over its beginning, carried over the bytes that follow, plus that of
 * those bytes alone. So what is known of rows gives the register over many of them, as `overRow` does, without looking at
 * the bytes; and one call into zlib over all of them, in place of one for each, shows whether they are what they were.
 */
export const crcStart = -1;

/** One byte more. */
export function crcStep(crc: number, byte: number): number {
  return (tables[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
}

/** Four bytes more, the highest first. */
export function crcStepOfUint32(crc: number, value: number): number {
  return crcStepOf4(crc, value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** To call into zlib costs more than a hundred bytes in JavaScript. */
export function crcStepOfBytes(crc: number, bytes: Uint8Array, start: number, end: number): number {
  let stepped = crc;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const [a, b] = [bytes[i] as number, bytes[i + 1] as number];
    stepped = crcStepOf4(stepped, a, b, bytes[i + 2] as number, bytes[i + 3] as number);
  }
  for (; i < end; i++) stepped = crcStep(stepped, bytes[i] as number);
  return stepped;
}

/** @param text one character per byte. */
export function crcStepOfText(crc: number, text: string): number {
  let stepped = crc;
  let i = 0;
  for (; i + 4 <= text.length; i += 4) {
    const [a, b] = [text.charCodeAt(i), text.charCodeAt(i + 1)];
    stepped = crcStepOf4(stepped, a, b, text.charCodeAt(i + 2), text.charCodeAt(i + 3));
  }
  for (; i < text.length; i++) stepped = crcStep(stepped, text.charCodeAt(i));
  return stepped;
}

/** Four tables at once, as none of the look-ups then waits for another: twice as fast as four steps. */
function crcStepOf4(crc: number, a: number, b: number, c: number, d: number): number {
  return (
    (tables[768 | ((crc ^ a) & 0xff)] as number) ^
    (tables[512 | (((crc >>> 8) ^ b) & 0xff)] as number) ^
    (tables[256 | (((crc >>> 16) ^ c) & 0xff)] as number) ^
    (tables[(crc >>> 24) ^ d] as number)
  );
}

/** The longest rest of a row for `overRow`. */
export const restBytesMax = 4096;

/**
 * The register after the rest of a row, where that follows other bytes than in the row.
 * @param crc the register after those other bytes.
 * @param begun the register in the row, before its rest.
 * @param restBytes up to `restBytesMax`.
 * @param checksum of the whole row.
 */
export function overRow(crc: number, begun: number, restBytes: number, checksum: number): number {
  return carried(crc ^ begun, restBytes) ^ ~checksum;
}

/** A register over as many bytes 0 more. */
function carried(register: number, bytes: number): number {
  if (bytes > tabledBytesMax) return multiply(register, carries[bytes] as number);
  carryTables[bytes] ??= carryTable(bytes);
  const table = carryTables[bytes] as Int32Array;
  return (
    (table[register & 0xff] as number) ^
    (table[256 | ((register >>> 8) & 0xff)] as number) ^
    (table[512 | ((register >>> 16) & 0xff)] as number) ^
    (table[768 | (register >>> 24)] as number)
  );
}

/** What each byte of a register becomes: four tables, that of the lowest first. */
function carryTable(bytes: number): Int32Array {
  const table = new Int32Array(4 * 256);
  for (let i = 0; i < table.length; i++)
    table[i] = multiply((i & 0xff) << (8 * (i >>> 8)), carries[bytes] as number);
  return table;
}

/** Of rests up to that length there are tables once they are met, of 4 kB each: to multiply takes several times as long. */
const tabledBytesMax = 128;
const carryTables: (Int32Array | undefined)[] = new Array(tabledBytesMax + 1).fill(undefined);

const polynomial = 0xedb88320;

/** Four tables, one behind the other: what becomes of a byte with none, one, two or three bytes behind it. */
const tables = new Int32Array(4 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  tables[byte] = crc;
}
for (let i = 256; i < tables.length; i++) tables[i] = crcStep(tables[i - 256] as number, 0);

/** By which to multiply a register to carry it over so many bytes: x^8 to that power, the highest bit being 1. */
const carries = new Int32Array(restBytesMax + 1);
carries[0] = 1 << 31;
for (let i = 1; i < carries.length; i++) carries[i] = crcStep(carries[i - 1] as number, 0);

/** Of polynomials over GF(2), modulo that of the CRC, bits reflected as everywhere here. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = a;
  let power = b;
  for (let bit = 0; bit < 32; bit++) {
    product ^= power & (factor >> 31);
    factor <<= 1;
    power = (power >>> 1) ^ (polynomial & -(power & 1));
  }
  return product;
}
