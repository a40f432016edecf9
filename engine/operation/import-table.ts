import { randomUUID } from 'node:crypto';
import type { Request } from '../../protocol/backend.ts';
import { importConflict, importNotFound, limitExceeded, tableAlreadyExists } from '../../protocol/errors.ts';
import type { CreateTableInput, ImportTableInput } from '../../protocol/operation.ts';
import { Reply } from '../../protocol/reply.ts';
import {
  validateDescribeImport,
  validateImportTable,
  validateListImports,
} from '../../protocol/validate/import.ts';
import { readTransferArn, readTransferTableArn } from '../../protocol/validate/transfer-arn.ts';
import { type Catalog, catalogRecord } from '../catalog.ts';
import type { WriteContext } from '../commit.ts';
import { loadsUnderWay } from '../loading/table-loads.ts';
import type { Services } from '../services.ts';
import type { TableDefinition } from '../table-definition.ts';
import { type ImportRecord, importArnOf, nothingRead } from '../transfer/import-record.ts';
import { newBilling } from './billing.ts';
import { importDescription, importSummary } from './import-description.ts';
import { newIndexes } from './index-definitions.ts';
import { refuseBeyondQuotas, refuseTooManyTables } from './table-quota.ts';
import { transferPage } from './transfer-page.ts';

/**
 * AWS: API_ImportTable. The table's name is taken from the call on: where AWS lets several imports of one name begin and one
 * of them win, the others are refused here.
 */
export async function importTable(services: Services, request: Request): Promise<Reply> {
  const input = validateImportTable(request.input);
  const { imports, catalog } = services;
  const known = replayed(services, request.region, input);
  if (known !== undefined) {
    await imports.settled();
    return new Reply({ ImportTableDescription: importDescription(known) });
  }
  refuseNamesake(catalog, request.region, input.table.TableName);
  const record = await imports.remember(newImport(input, request.region, services.clock.now()));
  try {
    await commitImport(services, record, input.table);
  } catch (error) {
    await imports.forget(record);
    throw error;
  }
  return new Reply({ ImportTableDescription: importDescription(record) });
}

/** AWS: API_DescribeImport. */
export function describeImport({ imports }: Services, request: Request): Reply {
  const { ImportArn: arn } = validateDescribeImport(request.input);
  const { region, tableName, id } = readTransferArn('import', arn);
  if (region !== request.region) throw importNotFound('Invalid import arn');
  const record = imports.find(id);
  if (record?.region !== region || record.tableName !== tableName)
    throw importNotFound(`Import not found: ${arn}`);
  return new Reply({ ImportTableDescription: importDescription(record) });
}

/** AWS: API_ListImports; the newest first. They outlive their tables (measured). */
export function listImports({ imports }: Services, request: Request): Reply {
  const { TableArn: arn, PageSize: countMax, NextToken: token } = validateListImports(request.input);
  const table = arn === undefined ? undefined : readTransferTableArn(arn);
  const asked = imports
    .list(request.region)
    .filter(
      ({ region, tableName }) =>
        table === undefined || (table.region === region && table.tableName === tableName),
    );
  const { records, ...next } = transferPage('imports', asked, countMax, token);
  return new Reply({ ImportSummaryList: records.map(importSummary), ...next });
}

/**
 * The import that the token stands for. Only another table is a conflict: all else that a request repeats differently AWS
 * passes over. A table that is there is refused before the token is looked at (measured).
 * @throws ResourceInUseException, ImportConflictException
 */
function replayed(
  { imports, catalog }: Services,
  region: string,
  { ClientToken: token, TableCreationParameters: { TableName: name } }: ImportTableInput,
): ImportRecord | undefined {
  const namesake = catalog.get(region, name)?.definition;
  if (namesake !== undefined && namesake.loading?.kind !== 'import') throw tableAlreadyExists(name);
  const known = imports.byToken(region, token);
  if (known !== undefined && known.tableName !== name) throw importConflict();
  return known;
}

/** @throws ResourceInUseException */
function refuseNamesake(catalog: Catalog, region: string, name: string): void {
  if (catalog.get(region, name) !== undefined) throw tableAlreadyExists(name);
}

function newImport(
  input: ImportTableInput,
  region: string,
  startMs: number,
): Omit<ImportRecord, 'id' | 'status'> {
  return {
    region,
    tableName: input.TableCreationParameters.TableName,
    tableId: randomUUID(),
    clientToken: input.ClientToken,
    startMs,
    source: input.S3BucketSource,
    format: input.InputFormat,
    ...(input.InputFormatOptions !== undefined && { formatOptions: input.InputFormatOptions }),
    compression: input.InputCompressionType ?? 'NONE',
    parameters: input.TableCreationParameters,
    ...nothingRead,
  };
}

/** Imports under way in an account (AWS: ServiceQuotas). */
const importsMax = 50;

async function commitImport(
  services: Services,
  record: ImportRecord,
  input: CreateTableInput,
): Promise<void> {
  const { committer, catalog, tableLoads, imports, throughput } = services;
  let number = 0;
  await committer.submit((context) => {
    refuseNamesake(context.catalog, record.region, record.tableName);
    if (loadsUnderWay(context.catalog, 'import') >= importsMax) {
      throw limitExceeded(`Only ${importsMax} import operations can be done simultaneously`);
    }
    refuseTooManyTables(record.region, context.catalog);
    const table = importedTable(record, input, context);
    if (!throughput.isOff) refuseBeyondQuotas(table, undefined, context.catalog);
    number = table.number;
    return { changes: [catalogRecord({ put: table })], reply: new Reply({}) };
  });
  const committed = catalog.byNumber(number);
  if (committed !== undefined) tableLoads.start(committed.definition, imports.source(record));
}

function importedTable(
  record: ImportRecord,
  input: CreateTableInput,
  { catalog, timeMs }: WriteContext,
): TableDefinition {
  const number = catalog.nextNumber;
  return {
    number,
    id: record.tableId,
    region: record.region,
    name: record.tableName,
    status: 'CREATING',
    createdMs: timeMs,
    keySchema: input.KeySchema,
    attributeDefinitions: input.AttributeDefinitions,
    billing: newBilling(input, input.BillingMode, timeMs),
    deletionProtection: false,
    indexes: newIndexes(input, number + 1, timeMs),
    loading: { kind: 'import', importArn: importArnOf(record) },
  };
}
