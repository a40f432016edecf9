import { walk } from '../model/page-steps.ts';
import type { IndexSchema, KeyPart } from '../model/request.ts';
import { Scene, type Stage } from '../model/scene.ts';
import { entryOf, type Table } from '../model/table.ts';
import { attribute, type Item, stable, type Value } from '../model/value.ts';
import type { PastTable } from './past.ts';

/** A table in the store is what the model has of a moment: described, scanned, and queried through each of its indexes. */
export async function expectTable(
  stage: Stage,
  name: string,
  { schema, indexes, items }: PastTable,
): Promise<void> {
  const doors = stage.doors.map((door) => door.name);
  const scene = new Scene(doors, stage, '');
  scene.model.call({ op: 'CreateTable', table: name, schema: { ...schema, indexes } });
  const table = scene.model.table(name) as Table;
  table.items = [...items];
  await scene.call({ op: 'DescribeTable', table: name }, 0);
  await walk(scene, { op: 'Scan', table: name, isConsistent: true }, 0, Number.POSITIVE_INFINITY);
  for (const index of indexes) {
    await walk(scene, { op: 'Scan', table: name, index: index.name }, 0, Number.POSITIVE_INFINITY);
    for (const keys of partitionsOf(table, index))
      await walk(scene, { op: 'Query', table: name, index: index.name, keys }, 0, Number.POSITIVE_INFINITY);
  }
}

/** Key conditions for each partition that an index has. */
function partitionsOf(table: Table, index: IndexSchema): KeyPart[][] {
  const partitions = new Map<string, KeyPart[]>();
  for (const item of table.items) {
    if (entryOf(table, index, item) === undefined) continue;
    const keys = index.hash.map(
      ({ name }): KeyPart => ({ name, operator: '=', values: [keyValueOf(item, name)] }),
    );
    partitions.set(stable(keys), keys);
  }
  return [...partitions.values()];
}

function keyValueOf(item: Item, name: string): Value {
  const value = attribute(item, name);
  if (value === undefined) throw new Error(`an entry without ${name}`);
  return value;
}
