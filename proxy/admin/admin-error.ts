/** A request of the administration that is refused; the message names what would be right. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  /** HTTP status of the answer. */
  readonly status: number;
  /** Header lines that such a status has to come with, each with its CRLF. */
  readonly headers: string;

  constructor(status: number, message: string, headers = '') {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}
