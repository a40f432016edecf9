import * as ion from 'ion-js';
import { type AttributeValue, type Item, setAttribute } from '../../protocol/attribute-value.ts';
import type { ItemFormat } from './item-format.ts';

/**
 * Items as Amazon Ion's text, one to a line (AWS: S3DataExport.Output, S3DataImport.Format):
 *
 *     $ion_1_0 {Item:{p:"a",n:6d2,tags:$dynamodb_SS::["x"]}}
 *     $ion_1_0 {Record:{Keys:{p:"a"},Metadata:{WriteTimestampMicros:1680109764d6},NewImage:{p:"a"}}}
 *
 * Numbers are decimals without zeros at their ends, binary values blobs, and sets lists that say which set they are.
 */
export const ionText: ItemFormat = {
  extension: 'ion',
  item: (json) => lineOf((writer) => writeMember(writer, 'Item', itemOf(json))),
  change: ({ timeMs, keys, oldImage, newImage }) =>
    lineOf((writer) => {
      writer.writeFieldName('Record');
      writer.stepIn(ion.IonTypes.STRUCT);
      writeMember(writer, 'Keys', keys);
      writeMember(writer, 'Metadata', { WriteTimestampMicros: { N: `${timeMs * 1000}` } });
      if (oldImage !== undefined) writeMember(writer, 'OldImage', itemOf(oldImage));
      if (newImage !== undefined) writeMember(writer, 'NewImage', itemOf(newImage));
      writer.stepOut();
    }),
  read: (line) => {
    const reader = ion.makeReader(line);
    if (reader.next() !== ion.IonTypes.STRUCT) throw new SyntaxError('the line is not an Ion struct');
    reader.stepIn();
    for (let type = reader.next(); type !== null; type = reader.next()) {
      if (reader.fieldName() === 'Item' && type === ion.IonTypes.STRUCT) return readStruct(reader);
    }
    throw new SyntaxError('the line has no Item');
  },
};

function lineOf(write: (writer: ion.Writer) => void): Buffer {
  const writer = ion.makeTextWriter();
  writer.stepIn(ion.IonTypes.STRUCT);
  write(writer);
  writer.stepOut();
  writer.close();
  return Buffer.concat([versionMarker, writer.getBytes(), Buffer.from('\n')]);
}

const versionMarker = Buffer.from('$ion_1_0 ');

function itemOf(json: Buffer): Item {
  return JSON.parse(json.toString()) as Item;
}

function writeMember(writer: ion.Writer, name: string, item: Item): void {
  writer.writeFieldName(name);
  writeStruct(writer, item);
}

function writeStruct(writer: ion.Writer, item: Item): void {
  writer.stepIn(ion.IonTypes.STRUCT);
  for (const [name, value] of Object.entries(item)) {
    writer.writeFieldName(name);
    writeValue(writer, value);
  }
  writer.stepOut();
}

function writeValue(writer: ion.Writer, value: AttributeValue): void {
  if ('S' in value) writer.writeString(value.S);
  else if ('N' in value) writer.writeDecimal(decimalOf(value.N));
  else if ('B' in value) writer.writeBlob(Buffer.from(value.B, 'base64'));
  else if ('BOOL' in value) writer.writeBoolean(value.BOOL);
  else if ('NULL' in value) writer.writeNull(ion.IonTypes.NULL);
  else if ('M' in value) writeStruct(writer, value.M);
  else if ('L' in value) writeList(writer, value.L);
  else writeSet(writer, value);
}

function writeList(writer: ion.Writer, values: readonly AttributeValue[]): void {
  writer.stepIn(ion.IonTypes.LIST);
  for (const value of values) writeValue(writer, value);
  writer.stepOut();
}

function writeSet(
  writer: ion.Writer,
  value: Extract<AttributeValue, { SS: string[] } | { NS: string[] } | { BS: string[] }>,
): void {
  if ('SS' in value) {
    writer.setAnnotations(['$dynamodb_SS']);
    writeList(
      writer,
      value.SS.map((S) => ({ S })),
    );
  } else if ('NS' in value) {
    writer.setAnnotations(['$dynamodb_NS']);
    writeList(
      writer,
      value.NS.map((N) => ({ N })),
    );
  } else {
    writer.setAnnotations(['$dynamodb_BS']);
    writeList(
      writer,
      value.BS.map((B) => ({ B })),
    );
  }
}

/** 600 is 6d2: zeros at the end of a whole number are in its exponent. */
function decimalOf(number: string): ion.Decimal {
  const decimal = ion.Decimal.parse(
    number.replace(/^(-?\d*[1-9])(0+)$/, (_, digits: string, zeros: string) => `${digits}d${zeros.length}`),
  );
  if (decimal === null) throw new TypeError(`${number} is not a number`);
  return decimal;
}

function readStruct(reader: ion.Reader): Item {
  const item: Item = {};
  reader.stepIn();
  for (let type = reader.next(); type !== null; type = reader.next()) {
    setAttribute(item, reader.fieldName() ?? '', readValue(reader, type));
  }
  reader.stepOut();
  return item;
}

function readValue(reader: ion.Reader, type: ion.IonType): AttributeValue {
  if (reader.isNull()) return { NULL: true };
  switch (type) {
    case ion.IonTypes.STRING:
    case ion.IonTypes.SYMBOL:
      return { S: reader.stringValue() ?? '' };
    case ion.IonTypes.INT:
      return { N: `${reader.bigIntValue()}` };
    case ion.IonTypes.DECIMAL:
      return { N: `${reader.decimalValue()}` };
    case ion.IonTypes.FLOAT:
      return { N: `${reader.numberValue()}` };
    case ion.IonTypes.BOOL:
      return { BOOL: reader.booleanValue() === true };
    case ion.IonTypes.BLOB:
    case ion.IonTypes.CLOB:
      return { B: Buffer.from(reader.uInt8ArrayValue() ?? []).toString('base64') };
    case ion.IonTypes.STRUCT:
      return { M: readStruct(reader) };
    case ion.IonTypes.LIST:
      return readList(reader);
    default:
      throw new SyntaxError(`DynamoDB has no type for an Ion ${type.name}`);
  }
}

function readList(reader: ion.Reader): AttributeValue {
  const set = reader.annotations().find((name) => name in setMembers);
  const values: AttributeValue[] = [];
  reader.stepIn();
  for (let type = reader.next(); type !== null; type = reader.next()) values.push(readValue(reader, type));
  reader.stepOut();
  return set === undefined ? { L: values } : setOf(set as keyof typeof setMembers, values);
}

const setMembers = { $dynamodb_SS: 'S', $dynamodb_NS: 'N', $dynamodb_BS: 'B' } as const;

function setOf(name: keyof typeof setMembers, values: readonly AttributeValue[]): AttributeValue {
  const type = setMembers[name];
  const members = values.map((value) => (value as Partial<Record<string, string>>)[type]);
  if (members.includes(undefined)) throw new SyntaxError(`a member of a ${name} has another type`);
  return { [`${type}S`]: members } as unknown as AttributeValue;
}
