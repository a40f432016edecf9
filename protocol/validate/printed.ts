import type { Shape, StructureShape } from './shape.ts';

/** Longer values are cut within their brackets, so that an error is not as big as the request that it is about. */
const printedCharsMax = 16_384;

/**
 * A value as constraint errors print it, which is how AWS's servers print theirs: lists as `[a, b]`, maps as
 * `{key=value}`, structures as `Name(member=value, other=null)`.
 */
export function printed(shape: Shape, value: unknown): string {
  const printer = new Printer();
  printer.print(shape, value);
  return printer.text;
}

/** A value as those constraint errors print it that show the request. */
export function printedJson(value: unknown): string {
  return JSON.stringify(value).slice(0, printedCharsMax);
}

class Printer {
  text = '';

  print(shape: Shape, value: unknown): void {
    if (value === undefined) this.#write('null');
    else if (shape.type === 'list') this.#printList(shape.element, value as unknown[]);
    else if (shape.type === 'map') this.#printMap(shape.value, value as Record<string, unknown>);
    else if (shape.type === 'structure') this.#printStructure(shape, value as Record<string, unknown>);
    else this.#write(String(value));
  }

  get #full(): boolean {
    return this.text.length >= printedCharsMax;
  }

  #write(text: string): void {
    this.text += text.slice(0, printedCharsMax - this.text.length);
  }

  #printList(element: Shape, values: readonly unknown[]): void {
    let separator = '';
    this.#write('[');
    for (const value of values) {
      if (this.#full) break;
      this.#write(separator);
      this.print(element, value);
      separator = ', ';
    }
    this.text += ']';
  }

  #printMap(shape: Shape, values: Readonly<Record<string, unknown>>): void {
    let separator = '';
    this.#write('{');
    for (const key in values) {
      if (this.#full) break;
      this.#write(`${separator}${key}=`);
      this.print(shape, values[key]);
      separator = ', ';
    }
    this.text += '}';
  }

  #printStructure(shape: StructureShape, value: Readonly<Record<string, unknown>>): void {
    let separator = '';
    this.#write(`${shape.name}(`);
    for (const member of shape.members.values()) {
      if (this.#full) break;
      this.#write(`${separator}${member.path}=`);
      this.print(member.shape, value[member.name]);
      separator = ', ';
    }
    this.text += ')';
  }
}
