/** A bucket does not do what is asked of it. It crosses threads: its code survives as a property. */
export class BucketError extends Error {
  override readonly name = 'BucketError';
  /** AWS's FailureCode. */
  readonly failureCode: string;

  constructor(failureCode: string, message: string) {
    super(message);
    this.failureCode = failureCode;
  }
}

/** What S3 answers, in the words in which DynamoDB hands it on. */
export function refusedByS3(message: string, status: number, code: string, requestId?: string): BucketError {
  const request = requestId === undefined ? '' : `; Request ID: ${requestId}`;
  return new BucketError(
    `S3${code}`,
    `${message} (Service: Amazon S3; Status Code: ${status}; Error Code: ${code}${request})`,
  );
}

export function noSuchBucket(): BucketError {
  return refusedByS3('The specified bucket does not exist', 404, 'NoSuchBucket');
}

export function noSuchKey(): BucketError {
  return refusedByS3('The specified key does not exist.', 404, 'NoSuchKey');
}

export function bucketAccessDenied(): BucketError {
  return refusedByS3('Access Denied', 403, 'AccessDenied');
}

/** The code and the text that DescribeExport and DescribeImport tell. */
export function failureOf(error: unknown): { readonly failureCode: string; readonly failureMessage: string } {
  const { failureCode, message } = error as { failureCode?: string; message?: string };
  return { failureCode: failureCode ?? 'InternalServerError', failureMessage: message ?? String(error) };
}
