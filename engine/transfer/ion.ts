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
  item: (json) => Buffer.from(`${versionMarker}{Item:${structText(itemOf(json))}}\n`),
  change: ({ timeMs, keys, oldImage, newImage }) => {
    const members = [
      `Keys:${structText(keys)}`,
      `Metadata:${structText({ WriteTimestampMicros: { N: `${timeMs * 1000}` } })}`,
    ];
    if (oldImage !== undefined) members.push(`OldImage:${structText(itemOf(oldImage))}`);
    if (newImage !== undefined) members.push(`NewImage:${structText(itemOf(newImage))}`);
    return Buffer.from(`${versionMarker}{Record:{${members.join(',')}}}\n`);
  },
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

/** The text is made here: ion-js needs ten times as long for it. */
const versionMarker = '$ion_1_0 ';

function itemOf(json: Buffer): Item {
  return JSON.parse(json.toString()) as Item;
}

function structText(item: Item): string {
  const members: string[] = [];
  for (const name in item) members.push(`${symbolText(name)}:${valueText(item[name] as AttributeValue)}`);
  return `{${members.join(',')}}`;
}

function valueText(value: AttributeValue): string {
  if ('S' in value) return JSON.stringify(value.S);
  if ('N' in value) return decimalText(value.N);
  if ('B' in value) return `{{${value.B}}}`;
  if ('BOOL' in value) return `${value.BOOL}`;
  if ('NULL' in value) return 'null';
  if ('M' in value) return structText(value.M);
  if ('L' in value) return `[${value.L.map(valueText).join(',')}]`;
  if ('SS' in value) return `$dynamodb_SS::[${value.SS.map((member) => JSON.stringify(member)).join(',')}]`;
  if ('NS' in value) return `$dynamodb_NS::[${value.NS.map(decimalText).join(',')}]`;
  return `$dynamodb_BS::[${value.BS.map((member) => `{{${member}}}`).join(',')}]`;
}

/** What is no identifier, or means something else, is quoted. Ion knows the escapes of JSON. */
function symbolText(name: string): string {
  if (identifier.test(name) && !reserved.test(name)) return name;
  return `'${JSON.stringify(name).slice(1, -1).replaceAll("'", "\\'")}'`;
}

const identifier = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
/** Words of Ion, and symbols that are called by their numbers. */
const reserved = /^(null|true|false|nan|\$[0-9]+)$/;

/** 600 is 6d2: zeros at the end of a whole number are in its exponent. @param number canonical. */
function decimalText(number: string): string {
  if (number.includes('.')) return number;
  const digits = number.replace(/0+$/, '');
  const zeros = number.length - digits.length;
  return number === '0' || zeros === 0 ? `${number}.` : `${digits}d${zeros}`;
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
