/** The account that all tables belong to; AWS's account ids have twelve digits. */
export const accountId = '000000000000';

/** Wherever the API takes a table's name it takes its ARN too (AWS: API_GetItem, TableName). */
export function tableNameOf(nameOrArn: string): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn.slice(nameOrArn.indexOf('/') + 1) : nameOrArn;
}

/** The region that an ARN names; undefined for a plain name. */
export function regionOfTableArn(nameOrArn: string): string | undefined {
  return nameOrArn.startsWith('arn:') ? nameOrArn.split(':', 4)[3] : undefined;
}

export function tableArn(region: string, tableName: string): string {
  return `arn:aws:dynamodb:${region}:${accountId}:table/${tableName}`;
}
