/** The configuration cannot be used; every problem that was found is told at once. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const shownCharactersMax = 80;

/** A value as a problem shows it: one short line; secrets as `***`, and the user part of addresses too. */
export function shown(value: unknown, secret: boolean): string {
  if (value === undefined) return '';
  if (secret) return '***';
  const json = JSON.stringify(value) ?? String(value);
  const masked = json.replace(/\/\/[^/@\s]*@/g, '//***@');
  return masked.length > shownCharactersMax ? `${masked.slice(0, shownCharactersMax)}...` : masked;
}
