import type { Item } from '../../protocol/attribute-value.ts';

/** A change of an item, as an incremental export has it. Images are DynamoDB's JSON. */
export interface ExportedChange {
  /** Of the last write of the item in the time that is exported. */
  readonly timeMs: number;
  readonly keys: Item;
  readonly oldImage: Buffer | undefined;
  readonly newImage: Buffer | undefined;
}

/** How items are written to files, a line each, and read from them. */
export interface ItemFormat {
  /** Of the files' names. */
  readonly extension: string;
  /** @param json the item as DynamoDB's JSON. */
  item(json: Buffer): Buffer;
  change(change: ExportedChange): Buffer;
  /** @returns what the line says, unchecked. @throws Error where it says nothing in this format. */
  read(line: string): Item;
}
