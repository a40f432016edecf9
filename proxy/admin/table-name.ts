/** AWS: CreateTable, TableName. */
export function isTableName(text: string): boolean {
  return /^[a-zA-Z0-9_.-]{3,255}$/.test(text);
}

/** A name, or an ARN of at most 1,024 characters in whatever form the store gives them (AWS: DescribeTable, TableName). */
export function isTableNameOrArn(text: string): boolean {
  return isTableName(text) || /^arn:[\x21-\x7e]{1,1020}$/.test(text);
}
