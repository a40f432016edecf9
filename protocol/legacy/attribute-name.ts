import { validationError } from '../errors.ts';

/** In UTF-8 (AWS: HowItWorks.NamingRulesDataTypes). */
const nameBytesMax = 65_535;

/** Checks a name that a legacy parameter has as it is; in expressions, syntax and substitutions see to that. */
export function checkAttributeName(name: string): void {
  if (name === '') throw validationError('Empty attribute name');
  if (Buffer.byteLength(name) > nameBytesMax) {
    throw validationError('Attribute name is too large, must be less than 65536 bytes');
  }
}
