/** A line that is too long to be an item. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';
}

/**
 * The lines of a text, without their ends; some at a time.
 * @param source the bytes of the text, in order.
 * @throws LineTooLongError while iterating
 */
export async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<string[], void> {
  let parts: Buffer[] = [];
  let partBytes = 0;
  for await (const bytes of source) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      parts.push(chunk.subarray(start, end));
      lines.push(textOf(parts));
      parts = [];
      partBytes = 0;
      start = end + 1;
    }
    parts.push(chunk.subarray(start));
    partBytes += chunk.length - start;
    yield lines;
    if (partBytes > lineBytesMax) throw new LineTooLongError(`a line has more than ${lineBytesMax} bytes`);
  }
  if (partBytes > 0) yield [textOf(parts)];
}

const newline = 0x0a;

/** An item has 400 KB at most; escaped in every character six times as much, and there is room for spaces. */
const lineBytesMax = 8 * 1024 * 1024;

function textOf(parts: readonly Buffer[]): string {
  const [only] = parts;
  return (parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)).toString();
}
