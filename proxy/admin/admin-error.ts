/** A request of the administration that is refused; the message names what would be right. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  /** HTTP status of the answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
