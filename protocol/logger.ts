/** Where parts say what an operator should know: pino's calls, as far as they are needed. */
export interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
