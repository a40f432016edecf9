import { type CsvError, parse } from 'csv-parse';
import type { AttributeValue, Item } from '../../protocol/attribute-value.ts';
import { setAttribute } from '../../protocol/attribute-value.ts';
import type { AttributeDefinitions } from '../table-definition.ts';

/** AWS: API_CsvOptions. */
export interface CsvOptions {
  /** One of `,`, `:`, `|`, `;`, tab and space; a comma unless said. */
  readonly delimiter?: string;
  /** Names of the columns; absent: the first line has them. */
  readonly header?: readonly string[];
}

/**
 * Items of a CSV file (AWS: S3DataImport.Format). Every attribute is a string but those that are keys of the table or of its
 * indexes: they have the types that they are defined with.
 * @param source the bytes of the file, in order.
 * @throws CsvError where the file is no CSV from there on
 */
export async function* csvItems(
  source: AsyncIterable<Uint8Array>,
  { delimiter = ',', header }: CsvOptions,
  definitions: AttributeDefinitions,
): AsyncGenerator<Item> {
  const types = new Map(
    definitions.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
  );
  const rows = parse({ delimiter, bom: true, relax_column_count: true, skip_empty_lines: true });
  feed(source, rows);
  let names = header;
  for await (const row of rows as AsyncIterable<string[]>) {
    if (names === undefined) names = row;
    else yield itemOf(names, row, types);
  }
}

export type { CsvError };

/** What the source fails with, the parser fails with. */
function feed(source: AsyncIterable<Uint8Array>, rows: ReturnType<typeof parse>): void {
  const write = async () => {
    for await (const chunk of source) {
      if (!rows.write(chunk)) await new Promise((resolve) => rows.once('drain', resolve));
    }
    rows.end();
  };
  write().catch((error: Error) => rows.destroy(error));
}

function itemOf(
  names: readonly string[],
  row: readonly string[],
  types: ReadonlyMap<string, AttributeDefinitions[number]['AttributeType']>,
): Item {
  const item: Item = {};
  names.forEach((name, column) => {
    const cell = row[column];
    if (cell !== undefined) setAttribute(item, name, { [types.get(name) ?? 'S']: cell } as AttributeValue);
  });
  return item;
}
