import type { Item } from '../../protocol/attribute-value.ts';
import type { ItemFormat } from './item-format.ts';

/** Items as DynamoDB's JSON, one to a line (AWS: S3DataExport.Output, S3DataImport.Format): `{"Item":{"p":{"S":"a"}}}`. */
export const dynamodbJson: ItemFormat = {
  extension: 'json',
  item: (json) => Buffer.concat([itemStart, json, lineEnd]),
  change: ({ timeMs, keys, oldImage, newImage }) => {
    const metadata = { WriteTimestampMicros: { N: `${timeMs * 1000}` } };
    const parts: Buffer[] = [
      Buffer.from(`{"Metadata":${JSON.stringify(metadata)},"Keys":${JSON.stringify(keys)}`),
    ];
    if (oldImage !== undefined) parts.push(Buffer.from(',"OldImage":'), oldImage);
    if (newImage !== undefined) parts.push(Buffer.from(',"NewImage":'), newImage);
    return Buffer.concat([...parts, lineEnd]);
  },
  read: (line) => {
    const parsed = JSON.parse(line) as { readonly Item?: unknown } | null;
    if (parsed?.Item === undefined) throw new SyntaxError('the line has no Item');
    return parsed.Item as Item;
  },
};

const itemStart = Buffer.from('{"Item":');
const lineEnd = Buffer.from('}\n');
