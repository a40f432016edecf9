import { createHash, timingSafeEqual } from 'node:crypto';
import { AdminError } from './admin-error.ts';

/** Who may administrate: whoever sends the token, or everybody where there is none. */
export class Token {
  readonly #digest: Buffer | undefined;

  constructor(token: string | undefined) {
    this.#digest = token === undefined ? undefined : digestOf(token);
  }

  /**
   * Digests are compared, in constant time, so that neither the token's length nor a part of it can be found out.
   * @throws AdminError with status 401
   */
  check(authorization: string | undefined): void {
    if (this.#digest === undefined) return;
    const given = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1];
    if (given !== undefined && timingSafeEqual(digestOf(given), this.#digest)) return;
    const reason =
      given === undefined
        ? 'a token is required; send it as "Authorization: Bearer TOKEN"'
        : 'the token is not the one that the server has';
    throw new AdminError(401, reason, 'WWW-Authenticate: Bearer\r\n');
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
