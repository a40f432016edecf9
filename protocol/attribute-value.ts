/**
 * DynamoDB's typed values in the form that its JSON has: an object with exactly one member, whose name is the type.
 * Numbers are decimal strings, binary values base64 strings
 * (AWS: API_AttributeValue, HowItWorks.NamingRulesDataTypes).
 */
export type AttributeValue =
  | { S: string }
  | { N: string }
  | { B: string }
  | { BOOL: boolean }
  | { NULL: boolean }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: string[] }
  | { L: AttributeValue[] }
  | { M: Item };

export type AttributeType = 'S' | 'N' | 'B' | 'BOOL' | 'NULL' | 'SS' | 'NS' | 'BS' | 'L' | 'M';

/** An item: attribute names to values. */
export interface Item {
  [attributeName: string]: AttributeValue;
}
