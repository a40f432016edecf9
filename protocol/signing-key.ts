import { createHmac, hash } from 'node:crypto';

/** The last element of a credential's scope. */
export const scopeTerminator = 'aws4_request';

/** Signing keys hold for one secret, day and region; making one takes four HMACs, so they are kept. */
export class SigningKeys {
  readonly #service: string;
  readonly #keys = new Remembered<HmacKey>();

  constructor(service: string) {
    this.#service = service;
  }

  key(secret: string, day: string, region: string): HmacKey {
    const name = `${day}/${region}/${secret}`;
    return this.#keys.get(name) ?? this.#keys.add(name, this.#derive(secret, day, region));
  }

  #derive(secret: string, day: string, region: string): HmacKey {
    return new HmacKey(deriveKey(secret, [day, region, this.#service, scopeTerminator]));
  }
}

function deriveKey(secret: string, parts: readonly string[]): Buffer {
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of parts) key = createHmac('sha256', key).update(part).digest();
  return key;
}

const blockBytes = 64;
const digestBytes = 32;
/** A string to sign has 160 to 190 bytes, most of them the names and the length of a hash. */
const textBytesMax = 512;

/**
 * HMAC-SHA256 under one key by two one-shot hashes, which cost half of what node:crypto's Hmac object does
 * (RFC 2104: H(key xor opad, H(key xor ipad, text))).
 */
export class HmacKey {
  readonly #inner: Buffer;
  readonly #outer: Buffer;

  /** @param key no longer than a block. */
  constructor(key: Buffer) {
    this.#inner = pad(key, 0x36, blockBytes + textBytesMax);
    this.#outer = pad(key, 0x5c, blockBytes + digestBytes);
  }

  /** @param text in ASCII, of 512 bytes at most. @returns the signature in hexadecimal digits. */
  sign(text: string): string {
    if (text.length > textBytesMax) throw new RangeError('text too long to sign');
    const end = blockBytes + this.#inner.write(text, blockBytes, 'latin1');
    this.#outer.write(hash('sha256', this.#inner.subarray(0, end), 'hex'), blockBytes, 'hex');
    return hash('sha256', this.#outer, 'hex');
  }
}

function pad(key: Buffer, byte: number, length: number): Buffer {
  const padded = Buffer.alloc(length);
  padded.fill(byte, 0, blockBytes);
  for (const [i, keyByte] of key.entries()) padded[i] = keyByte ^ byte;
  return padded;
}

/** Entries of each memory of what clients repeat. */
const rememberedMax = 256;

/** Values by text; when it is full it begins anew, so that made-up texts cost no more than being read each time. */
export class Remembered<Value> {
  readonly #values = new Map<string, Value>();

  get(text: string): Value | undefined {
    return this.#values.get(text);
  }

  add(text: string, value: Value): Value {
    if (this.#values.size >= rememberedMax) this.#values.clear();
    this.#values.set(text, value);
    return value;
  }
}
