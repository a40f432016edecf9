import { validationError } from '../errors.ts';
import type { Tag } from '../operation.ts';

const tagsMax = 50;
const keyCharsMax = 128;
const valueCharsMax = 256;

/** Checks tags that a resource is to have (AWS: Tagging.Operations, API_Tag). Lengths are in characters. */
export function checkTags(tags: readonly Partial<Tag>[]): void {
  const keys = new Set<string>();
  for (const { Key: key, Value: value } of tags) {
    if (key === undefined || key === '' || key.length > keyCharsMax) {
      throw validationError(`The Tag Key provided is invalid, Key: ${key ?? null}`);
    }
    if (key.toLowerCase().startsWith('aws:')) {
      throw validationError(`Tag Key cannot be prefixed with aws:, Key: ${key}`);
    }
    if (value === undefined || value.length > valueCharsMax) {
      throw validationError(`The Tag Value provided is invalid, Value: ${value ?? null}`);
    }
    if (keys.has(key)) {
      throw validationError(`Duplicate Tag Keys provided as input: Duplicate Tag Key found ${key}`);
    }
    keys.add(key);
  }
  if (keys.size > tagsMax) {
    throw validationError('Number of Tags exceed the current limit for the provided ResourceArn');
  }
}
