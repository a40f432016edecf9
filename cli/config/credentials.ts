import type { Settings } from './options.ts';
import { readSecretFile } from './secret-file.ts';

/** A caller that is let in. */
export interface Credential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A credential as it is given: its secret, or the file that holds it. */
interface Given {
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly secretAccessKeyFile?: string | undefined;
}

/** The pair of the single options, where given, and those of the list; with what is wrong with any. */
export function resolveCredentials(
  settings: Settings,
  readFile: (path: string) => string,
): { credentials: Credential[]; problems: string[] } {
  const credentials: Credential[] = [];
  const problems: string[] = [];
  for (const [place, given] of allGiven(settings)) {
    const credential = resolve(given, readFile);
    if (typeof credential === 'string') problems.push(place + credential);
    else if (credentials.some(({ accessKeyId }) => accessKeyId === credential.accessKeyId)) {
      problems.push(`${place}accessKeyId = "${credential.accessKeyId}": is given twice`);
    } else credentials.push(credential);
  }
  return { credentials, problems };
}

/** Each credential behind the text that its problems begin with. */
function allGiven(settings: Settings): [string, Given][] {
  const { accessKeyId, secretAccessKey, secretAccessKeyFile, credentials } = settings;
  const list = credentials.map((given, i): [string, Given] => [`credentials[${i}].`, given]);
  const none = [accessKeyId, secretAccessKey, secretAccessKeyFile].every((value) => value === undefined);
  return none ? list : [['', { accessKeyId, secretAccessKey, secretAccessKeyFile }], ...list];
}

/** @returns the credential, or what is wrong: the option's name, a colon, the reason. */
function resolve(given: Given, readFile: (path: string) => string): Credential | string {
  const { accessKeyId, secretAccessKey, secretAccessKeyFile } = given;
  if (accessKeyId === undefined) return 'accessKeyId: is missing; a secret alone lets nobody in';
  if (secretAccessKey !== undefined && secretAccessKeyFile !== undefined) {
    return 'secretAccessKey = ***: secretAccessKeyFile is given too; leave out one of the two';
  }
  if (secretAccessKey !== undefined) return { accessKeyId, secretAccessKey };
  if (secretAccessKeyFile !== undefined) return fromFile(accessKeyId, secretAccessKeyFile, readFile);
  return `secretAccessKey: is missing for the access key ${accessKeyId}; secretAccessKeyFile would do too`;
}

function fromFile(
  accessKeyId: string,
  path: string,
  readFile: (path: string) => string,
): Credential | string {
  const { secret: secretAccessKey, problem } = readSecretFile(path, readFile);
  return secretAccessKey === undefined
    ? `secretAccessKeyFile = ${JSON.stringify(path)}: ${problem}`
    : { accessKeyId, secretAccessKey };
}
