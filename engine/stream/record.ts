import { createHash } from 'node:crypto';
import { type Item, itemSize } from '../../protocol/attribute-value.ts';
import { decodeKeyValue, type KeyBytes, splitKey } from '../../protocol/key.ts';
import type { StreamChange } from './change.ts';
import { arnOf, type StreamDefinition } from './definition.ts';
import { sequenceNumber } from './sequence-number.ts';

export interface PrintedRecord {
  readonly json: readonly (string | Buffer)[];
  /** Of the keys and the images that are in it, as DynamoDB counts. */
  readonly sizeBytes: number;
}

/** Prints the changes of one stream as the API has them (AWS: API_streams_Record), images as they are stored. */
export class RecordPrinter {
  readonly #stream: StreamDefinition;
  /** Half of every event's id; the other half is the sequence number, so that an event has the same id whenever it is read. */
  readonly #eventPrefix: string;

  constructor(stream: StreamDefinition) {
    this.#stream = stream;
    this.#eventPrefix = createHash('sha256').update(arnOf(stream)).digest('hex').slice(0, 16);
  }

  print(change: StreamChange): PrintedRecord {
    const { region, viewType } = this.#stream;
    const { sequence, timeMs, event, newImage, oldImage, principal } = change;
    const keys = this.#keys(change.key);
    const sizeBytes = itemSize(keys) + (newImage?.size ?? 0) + (oldImage?.size ?? 0);
    const eventId = this.#eventPrefix + sequence.toString(16).padStart(16, '0');
    const json: (string | Buffer)[] = [
      `{"eventID":"${eventId}","eventName":"${event}","eventVersion":"1.1","eventSource":"aws:dynamodb",` +
        `"awsRegion":"${region}","dynamodb":{"ApproximateCreationDateTime":${Math.floor(timeMs / 1000)},` +
        `"Keys":${JSON.stringify(keys)},`,
    ];
    if (newImage !== undefined) json.push('"NewImage":', newImage.json, ',');
    if (oldImage !== undefined) json.push('"OldImage":', oldImage.json, ',');
    json.push(
      `"SequenceNumber":"${sequenceNumber(sequence)}","SizeBytes":${sizeBytes},"StreamViewType":"${viewType}"}` +
        `${principal === undefined ? '' : serviceIdentity}}`,
    );
    return { json, sizeBytes };
  }

  #keys(key: KeyBytes): Item {
    const { partition, sort } = splitKey(key);
    const { keySchema, keyTypes } = this.#stream;
    return Object.fromEntries(
      keySchema.map(({ AttributeName: name, KeyType: role }) => {
        const type = keyTypes.find((definition) => definition.AttributeName === name)?.AttributeType ?? 'S';
        return [name, decodeKeyValue(type, role === 'HASH' ? partition : sort)];
      }),
    );
  }
}

/** Who removes expired items (AWS: time-to-live-ttl-streams). */
const serviceIdentity = ',"userIdentity":{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}';
