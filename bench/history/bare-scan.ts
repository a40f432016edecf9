import { open } from 'lmdb';

/*
 * What backups and restores are measured by: a scan of the same items with nothing around it. LMDB's keys and values are handed out as
 * buffers of their own, as lmdb-js does by default for binary ones.
 *
 *     node bare-scan.js <LMDB's folder>     the items of the table with the lowest number
 */

/** What the scan has found, printed as JSON. */
export interface BareScan {
  readonly items: number;
  readonly ms: number;
}

const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;

function scan(directory: string): BareScan {
  const environment = open<Buffer, Buffer>({ path: directory, readOnly: true, maxDbs: 8, ...binary });
  const database = environment.openDB<Buffer, Buffer>({ name: 'items', ...binary });
  const [first] = database.getKeys({ limit: 1 });
  if (first === undefined) return { items: 0, ms: 0 };
  const startMs = performance.now();
  let items = 0;
  for (const { value } of database.getRange({ start: first, end: behindTable(first) })) {
    if (value.length > 0) items++;
  }
  return { items, ms: performance.now() - startMs };
}

/** Keys begin with the number of their table. */
function behindTable(key: Buffer): Buffer {
  const end = Buffer.alloc(4);
  end.writeUInt32BE(key.readUInt32BE(0) + 1);
  return end;
}

process.stdout.write(JSON.stringify(scan(process.argv[2] ?? '')));
