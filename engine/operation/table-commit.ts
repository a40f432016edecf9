import { tableNotFound } from '../../protocol/errors.ts';
import type { Reply } from '../../protocol/reply.ts';
import { tableNameOf } from '../../protocol/table-name.ts';
import { checkTableArn } from '../../protocol/validate/table-arn.ts';
import { type Catalog, catalogRecord } from '../catalog.ts';
import type { WriteContext } from '../commit.ts';
import type { Services } from '../services.ts';
import type { TableDefinition } from '../table-definition.ts';

/** What an operation makes of a table, and what it answers. */
export interface DecidedTable {
  readonly table: TableDefinition;
  readonly reply: Reply;
}

/** Commits what `decide` makes of a table, and sets the table's life going. */
export async function commitTable(
  { catalog, committer, tableLife }: Services,
  decide: (context: WriteContext) => DecidedTable,
): Promise<Reply> {
  let number = 0;
  const answer = await committer.submit((context) => {
    const { table, reply } = decide(context);
    number = table.number;
    return { changes: [catalogRecord(tableLife.entering(table))], reply };
  });
  const committed = catalog.byNumber(number);
  if (committed !== undefined) tableLife.entered(committed.definition);
  return answer;
}

/** @throws ResourceNotFoundException; ValidationException, AccessDeniedException for an ARN of elsewhere */
export function existingTable(catalog: Catalog, region: string, nameOrArn: string): TableDefinition {
  checkTableArn(nameOrArn, region);
  const name = tableNameOf(nameOrArn);
  const table = catalog.get(region, name);
  if (table === undefined) throw tableNotFound(name);
  return table.definition;
}
