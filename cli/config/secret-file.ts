/** The secret that a file holds, without the white space around it, or why there is none. */
export type SecretFile =
  | { readonly secret: string; readonly problem?: undefined }
  | { readonly secret?: undefined; readonly problem: string };

export function readSecretFile(path: string, readFile: (path: string) => string): SecretFile {
  try {
    const secret = readFile(path).trim();
    return secret === '' ? { problem: 'the file is empty' } : { secret };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
