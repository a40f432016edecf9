export type Path = readonly (string | number)[];

export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * `value` with every `${NAME}` in its texts replaced by that environment variable; `$${` stands for `${` itself. What
 * a variable holds is not looked at again.
 * @param undefinedAt is told of each variable that is not defined, and where it is named.
 */
export function interpolate(
  value: unknown,
  variables: Variables,
  undefinedAt: (name: string, path: Path) => void,
  path: Path = [],
): unknown {
  if (typeof value === 'string') return interpolateText(value, variables, (name) => undefinedAt(name, path));
  if (Array.isArray(value)) {
    return value.map((element, i) => interpolate(element, variables, undefinedAt, [...path, i]));
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]): [string, unknown] => [
    key,
    interpolate(member, variables, undefinedAt, [...path, key]),
  ]);
  return Object.fromEntries(members);
}

function interpolateText(text: string, variables: Variables, isUndefined: (name: string) => void): string {
  return text.replace(/\$\$\{|\$\{([^}]*)\}/g, (match, name: string | undefined) => {
    if (name === undefined) return '${';
    const value = variables[name];
    if (value === undefined) isUndefined(name);
    return value ?? match;
  });
}
