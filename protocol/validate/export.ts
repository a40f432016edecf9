import { validationError } from '../errors.ts';
import type { DescribeExportInput, ExportTableToPointInTimeInput, ListExportsInput } from '../operation.ts';
import { type Input, validateShape } from './shapes.ts';

/** What can be said against exports before table and history are looked at (texts measured in October 2026). */

/** AWS: API_ExportTableToPointInTime. What depends on the clock and on the table, the engine checks. */
export function validateExportTable(input: Input): ExportTableToPointInTimeInput {
  const request = validateShape('ExportTableToPointInTime', input);
  checkEncryption(request);
  checkType(request);
  checkFilter(request.FilterSpecification);
  return request;
}

/** AWS: API_DescribeExport. */
export function validateDescribeExport(input: Input): DescribeExportInput {
  return validateShape('DescribeExport', input);
}

/** AWS: API_ListExports. */
export function validateListExports(input: Input): ListExportsInput {
  return validateShape('ListExports', input);
}

function checkEncryption({
  S3SseAlgorithm: algorithm,
  S3SseKmsKeyId: key,
}: ExportTableToPointInTimeInput): void {
  if (key !== undefined && algorithm !== 'KMS')
    throw invalid('KMS Key Id is not supported for this encryption type');
}

function checkType({
  ExportType: type,
  IncrementalExportSpecification: specification,
}: ExportTableToPointInTimeInput): void {
  if (specification === undefined) {
    if (type !== 'INCREMENTAL_EXPORT') return;
    throw invalid('Incremental Export Specification expected when export type is set as Incremental Export');
  }
  if (type === undefined) {
    throw invalid(
      'Export Type expected to be Incremental Export when incremental export specification is provided',
    );
  }
  if (type === 'FULL_EXPORT') {
    // AWS's space before the comma.
    throw invalid(
      'When Export Type is Full Export , Incremental Export Specification should not be provided',
    );
  }
  if (specification.ExportFromTime === undefined)
    throw invalid('ExportFromTime must be provided in IncrementalExportSpecification');
}

function checkFilter(filter: object | undefined): void {
  if (filter === undefined) return;
  if (Object.keys(filter).length === 0)
    throw invalid('Invalid FilterSpecification: The specification can not be empty');
  throw validationError('FilterSpecification is not supported by this version of Slipstream');
}

function invalid(what: string): Error {
  return validationError(`Invalid Request: ${what}`);
}
