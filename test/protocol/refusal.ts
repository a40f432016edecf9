import { DynamoDbError } from '../../protocol/errors.ts';

/** What `run` is refused with, as `Code: message`; `accepted` where it is not. */
export function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DynamoDbError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}
