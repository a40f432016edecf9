import { validationError } from '../errors.ts';
import type {
  CreateTableInput,
  DescribeImportInput,
  ImportTableInput,
  ListImportsInput,
} from '../operation.ts';
import { type Input, validateShape } from './shapes.ts';
import { validateCreateTable } from './table.ts';

/** What can be said against imports before the tables are looked at (texts measured in October 2026). */

/**
 * AWS: API_ImportTable. A ClientToken is required, though the reference says that it is not.
 * @returns `table`: what CreateTable would be called with.
 */
export function validateImportTable(input: Input): ImportTableInput & { readonly table: CreateTableInput } {
  const request = validateShape('ImportTable', input);
  const { InputFormat: format, InputFormatOptions: options } = request;
  if (options !== undefined && format !== 'CSV') {
    throw validationError(
      `Invalid Request: Unsupported InputFormatOptions for the given input format: ${format}.`,
    );
  }
  const table = validateCreateTable({ ...request.TableCreationParameters });
  if (table.SSESpecification?.Enabled === true)
    throw validationError('SSESpecification is not supported by this version of Slipstream');
  return { ...request, table };
}

/** AWS: API_DescribeImport. */
export function validateDescribeImport(input: Input): DescribeImportInput {
  return validateShape('DescribeImport', input);
}

/** AWS: API_ListImports. */
export function validateListImports(input: Input): ListImportsInput {
  return validateShape('ListImports', input);
}
