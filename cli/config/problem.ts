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

/** A value as a problem shows it: one short line; secrets as `***`, and what stands before the `@` of addresses too. */
export function shown(value: unknown, secret: boolean): string {
  if (value === undefined) return '';
  if (secret) return '***';
  const masked = (_key: string, member: unknown) =>
    typeof member === 'string' ? withoutUser(member) : member;
  const json = JSON.stringify(value, masked) ?? String(value);
  return json.length > shownCharactersMax ? `${json.slice(0, shownCharactersMax)}...` : json;
}

/** By the last `@`, since a password that is not encoded as it should be may hold any character. */
function withoutUser(text: string): string {
  const end = text.lastIndexOf('@');
  if (end < 0) return text;
  const slashes = text.indexOf('//');
  const scheme = slashes >= 0 && slashes < end ? text.slice(0, slashes + 2) : '';
  return `${scheme}***${text.slice(end)}`;
}
