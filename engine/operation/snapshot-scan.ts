import type { Request } from '../../protocol/backend.ts';
import { resourceNotFound, validationError } from '../../protocol/errors.ts';
import { sequenceHeader, snapshotHeader } from '../../protocol/extension-headers.ts';
import { Reply } from '../../protocol/reply.ts';
import { validateScan } from '../../protocol/validate/read.ts';
import type { Table } from '../catalog.ts';
import type { ScanSnapshot } from '../history/scan-snapshots.ts';
import type { Services } from '../services.ts';
import { sequenceNumber } from '../stream/sequence-number.ts';
import { scan } from './query.ts';

/** AWS: API_Scan; with the header for it, a page of one state of the table, whatever is written meanwhile. */
export function scanOrSnapshotScan(services: Services, request: Request): Reply | Promise<Reply> {
  const asked = request.extensions?.[snapshotHeader];
  return asked === undefined ? scan(services, request) : scanSnapshot(services, request, asked);
}

async function scanSnapshot(services: Services, request: Request, asked: string): Promise<Reply> {
  const { TableName: name, IndexName: index } = validateScan(request.input);
  if (index !== undefined) throw validationError(`${snapshotHeader} is for tables, not for their indexes`);
  const table = services.catalog.serving(request.region, name);
  const snapshot = asked === 'new' ? await newSnapshot(services, table) : services.scanSnapshots.find(asked);
  if (snapshot === undefined || snapshot.table !== table.number) throw unknownSnapshot(asked);
  // The table may have gone, and another one come, while the snapshot was made.
  if (services.catalog.byNumber(snapshot.table) === undefined) throw resourceNotFound();
  return page(services, request, snapshot);
}

function newSnapshot({ scanSnapshots, catalog }: Services, table: Table): Promise<ScanSnapshot> {
  return scanSnapshots.take(table.definition).catch((error: unknown) => {
    throw catalog.byNumber(table.number) === undefined ? resourceNotFound() : error;
  });
}

function page(services: Services, request: Request, { id, sequence, state }: ScanSnapshot): Reply {
  const { output } = scan({ ...services, state }, request);
  const extensions = { [snapshotHeader]: id, [sequenceHeader]: sequenceNumber(sequence) };
  return new Reply(output, undefined, extensions);
}

function unknownSnapshot(id: string) {
  return validationError(
    `${snapshotHeader}: there is no snapshot ${id} of this table. One that nobody reads is dropped after five minutes; ` +
      'begin again with: new',
  );
}
