/** Bytes that were once durable are missing or changed. Nothing may be served from this log. */
export class LogDamagedError extends Error {
  override readonly name = 'LogDamagedError';
  readonly file: string;
  /** Where in the file, in bytes. */
  readonly offset: number;

  constructor(file: string, offset: number, what: string) {
    super(`${file}: damaged at offset ${offset}: ${what}`);
    this.file = file;
    this.offset = offset;
  }
}

/** Written by a version of this program that knows more than this one; not damage. */
export class LogFormatError extends Error {
  override readonly name = 'LogFormatError';
}

/** The disk has no room. The batch was not written, no trace of it is left, and the log stays usable. */
export class LogFullError extends Error {
  override readonly name = 'LogFullError';
}

/** The log was closed, or has failed and can no longer be trusted (`cause` says why). */
export class LogUnusableError extends Error {
  override readonly name = 'LogUnusableError';
}
