import type { KeyType } from '../protocol/key.ts';

export type TableStatus = 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DELETING';

/** All that is kept of a table besides its items; a record of the log for every version. Never changed, only replaced. */
export interface TableDefinition {
  /** Names the table in keys and log records; never used again. */
  readonly number: number;
  /** AWS's TableId, a UUID. */
  readonly id: string;
  readonly region: string;
  readonly name: string;
  readonly status: TableStatus;
  readonly createdMs: number;
  readonly keySchema: KeySchemaElements;
  readonly attributeDefinitions: AttributeDefinitions;
  readonly billing: Billing;
  readonly deletionProtection: boolean;
  readonly indexes: readonly IndexDefinition[];
  /** The number under which sizes of item collections lie; absent without local indexes, where nobody asks for them. */
  readonly collections?: number;
  /** Absent where it was never asked for. */
  readonly timeToLive?: TimeToLive;
  /** The newest stream; absent where there never was one. */
  readonly stream?: TableStream;
  /** Absent while point-in-time recovery is off. */
  readonly pointInTime?: PointInTimeRecovery;
  /** What a table that is CREATING is being loaded from; absent otherwise. */
  readonly loading?: TableLoading;
}

/** The history that is kept of a table from one enabling on; switching it off ends it, and all of it goes. */
export interface PointInTimeRecovery {
  /** Of the change that has enabled it; names the history among all that there have been. */
  readonly sequence: number;
  readonly enabledMs: number;
  /** 1 to 35 (AWS: RecoveryPeriodInDays). */
  readonly recoveryPeriodInDays: number;
  /** Nothing before can be restored, whatever the period: raising it does not bring back what a shorter one has let go. */
  readonly notBeforeMs: number;
}

/** AWS: RestoreSummary, or the import that makes the table. It is served when all of it is there. */
export type TableLoading =
  | {
      readonly kind: 'restore';
      readonly sourceTableArn: string;
      /** Absent where it is restored from a table's history. */
      readonly sourceBackupArn?: string;
      /** The history that it is restored from (PointInTimeRecovery.sequence); absent where it is a backup. */
      readonly sourceHistory?: number;
      /** The moment that comes back. */
      readonly restoreMs: number;
    }
  | { readonly kind: 'import'; readonly importArn: string };

/** A table's stream as its last change left it (AWS: StreamSpecification). */
export interface TableStream {
  /** Tells apart the streams that a table has had. */
  readonly label: string;
  readonly viewType: StreamViewType;
  /** Changes are recorded from ENABLING on, and not any more from DISABLING on. */
  readonly status: 'ENABLING' | 'ENABLED' | 'DISABLING' | 'DISABLED';
  /** Into how many shards it is cut, by the hashes of partition keys. */
  readonly shardCount: number;
}

/** What of an item a stream's records have besides its key. */
export type StreamViewType = 'KEYS_ONLY' | 'NEW_IMAGE' | 'OLD_IMAGE' | 'NEW_AND_OLD_IMAGES';

/** Which attribute says when items expire (AWS: TTL). */
export interface TimeToLive {
  readonly attribute: string;
  readonly status: 'ENABLING' | 'ENABLED' | 'DISABLING' | 'DISABLED';
  /** When it was last asked to change. */
  readonly changedMs: number;
}

export type KeySchemaElements = readonly {
  readonly AttributeName: string;
  readonly KeyType: 'HASH' | 'RANGE';
}[];

export type AttributeDefinitions = readonly {
  readonly AttributeName: string;
  readonly AttributeType: KeyType;
}[];

/** A secondary index. Its entries lie under a number of its own, as if it were a table. */
export interface IndexDefinition {
  /** From the same numbers as those of tables. */
  readonly number: number;
  readonly name: string;
  readonly kind: 'LOCAL' | 'GLOBAL';
  /** An index that is being created is kept up to date from then on, while what was there before is filled in. */
  readonly status: TableStatus;
  /** Whether a new index has begun to take in the items that were there before it. */
  readonly backfilling: boolean;
  readonly keySchema: KeySchemaElements;
  readonly projection: IndexProjection;
  /** Of a global index; a local one shares the table's. Its mode is the table's. */
  readonly billing: Billing | undefined;
}

export interface IndexProjection {
  readonly ProjectionType: 'ALL' | 'KEYS_ONLY' | 'INCLUDE';
  readonly NonKeyAttributes?: readonly string[];
}

export interface Billing {
  readonly mode: 'PROVISIONED' | 'PAY_PER_REQUEST';
  /** 0 for PAY_PER_REQUEST. */
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly lastIncreaseMs?: number;
  readonly lastDecreaseMs?: number;
  /** Of the UTC day of the last decrease. */
  readonly decreasesToday: number;
  readonly payPerRequestSinceMs?: number;
  /** When it changed to PAY_PER_REQUEST, not further back than AWS counts, the oldest first. */
  readonly payPerRequestChangesMs: readonly number[];
  /** Set by the user. A member of -1 sets no maximum: it is about to be dropped. */
  readonly onDemandMaximum?: OnDemandMaximum;
  readonly warm: WarmUnits;
  /** What is under way; its status says so while it lasts. */
  readonly change?: BillingChange;
}

export interface OnDemandMaximum {
  readonly MaxReadRequestUnits?: number;
  readonly MaxWriteRequestUnits?: number;
}

/** What is answered at once, in units per second; the most that it ever was (AWS: warm-throughput). */
export interface WarmUnits {
  readonly readUnits: number;
  readonly writeUnits: number;
}

export interface BillingChange {
  readonly of: 'units' | 'mode' | 'warm';
  /** What it is when the change is over. */
  readonly result: Billing;
}
