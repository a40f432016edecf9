/** The DynamoDB language that the other parts speak, for programs that embed them. */
export type { AttributeType, AttributeValue, Item } from './attribute-value.ts';
export type { Backend, ChangeFeed, ChangeListener, CommittedChange, Request } from './backend.ts';
export { type Clock, systemClock } from './clock.ts';
export { DynamoDbError } from './errors.ts';
export type { Logger } from './logger.ts';
export { ItemJson, type Output, Reply } from './reply.ts';
export { type Credentials, RequestSigner, SignatureVerifier } from './sigv4.ts';
