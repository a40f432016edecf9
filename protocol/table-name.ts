/** The account that all tables belong to; AWS's account ids have twelve digits. */
export const accountId = '000000000000';

/** Wherever the API takes a table's name it takes its ARN too (AWS: API_GetItem, TableName). */
export function tableNameOf(nameOrArn: string): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn.slice(nameOrArn.indexOf('/') + 1) : nameOrArn;
}

export function tableArn(region: string, tableName: string): string {
  return `arn:aws:dynamodb:${region}:${accountId}:table/${tableName}`;
}
