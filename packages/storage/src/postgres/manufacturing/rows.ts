import type { Environment, IdKind } from '@latchkey/protocol';
import { newId } from '@latchkey/protocol';
import type { Generated, Kysely } from 'kysely';
import type { RowQuery, Tenant, TenantRows } from '../../manufacturing.ts';
import type { PostgresContext } from '../database.ts';
import { isStorable } from '../text.ts';

type Value = string | number | Date | null;

interface AnyRow {
  /** bigint: compared in SQL, never read. */
  position: Generated<string>;
  id: string;
  organizationId: string;
  environment: Environment;
  [column: string]: Value | Generated<string>;
}

/** Tables of the API's data, in camelCase. Which columns each has is told by the row type of its records. */
export interface ManufacturingTables {
  workOrders: AnyRow;
  operations: AnyRow;
  inspections: AnyRow;
  inventoryItems: AnyRow;
  inventoryAdjustments: AnyRow;
}

export type TableName = keyof ManufacturingTables;

export interface Rows<Row, F> extends TenantRows<Row, F> {
  insert(tenant: Tenant, values: object): Promise<Row>;
  /** As `insert` where the tenant has this parent, undefined where it does not: one statement. */
  insertUnder(
    tenant: Tenant,
    parent: { table: TableName; id: string },
    values: object,
  ): Promise<Row | undefined>;
  update(tenant: Tenant, id: string, changes: object): Promise<Row | undefined>;
}

/** The manufacturing tables are no part of `Database`: this is the one door to them. */
export function manufacturingTables(context: PostgresContext): Kysely<ManufacturingTables> {
  return context.db as unknown as Kysely<ManufacturingTables>;
}

export function createRows<Row, F extends object>(
  context: PostgresContext,
  options: { table: TableName; kind: IdKind; columns: readonly (keyof Row & string)[] },
): Rows<Row, F> {
  const db = manufacturingTables(context);
  const { now } = context;
  const { table, kind, columns } = options;
  const stamps = (tenant: Tenant) => ({ id: newId(kind), ...tenant, createdAt: now(), updatedAt: now() });
  const one = async (query: { executeTakeFirst(): Promise<unknown> }) =>
    (await query.executeTakeFirst()) as Row | undefined;
  return {
    list: (tenant, query) => listRows(db, table, columns, tenant, query) as Promise<Row[]>,
    async find({ organizationId, environment }, id) {
      if (!isStorable(id)) return undefined;
      const query = db.selectFrom(table).select(columns).where('id', '=', id);
      return one(query.where('organizationId', '=', organizationId).where('environment', '=', environment));
    },
    async insert(tenant, values) {
      const query = db.insertInto(table).values({ ...stamps(tenant), ...values });
      return (await query.returning(columns).executeTakeFirstOrThrow()) as Row;
    },
    async insertUnder(tenant, parent, values) {
      if (!isStorable(parent.id)) return undefined;
      const row = Object.entries({ ...stamps(tenant), ...values });
      const query = db
        .insertInto(table)
        .columns(row.map(([column]) => column))
        .expression((eb) =>
          eb
            .selectFrom(parent.table)
            .select(row.map(([column, value]) => eb.val(value).as(column)))
            .where('id', '=', parent.id)
            .where('organizationId', '=', tenant.organizationId)
            .where('environment', '=', tenant.environment),
        );
      return one(query.returning(columns));
    },
    async update({ organizationId, environment }, id, changes) {
      if (!isStorable(id)) return undefined;
      const query = db
        .updateTable(table)
        .set({ ...changes, updatedAt: now() })
        .where('id', '=', id)
        .where('organizationId', '=', organizationId)
        .where('environment', '=', environment);
      return one(query.returning(columns));
    },
  };
}

async function listRows<F extends object>(
  db: Kysely<ManufacturingTables>,
  table: TableName,
  columns: readonly string[],
  { organizationId, environment }: Tenant,
  { filter, after, limit }: RowQuery<F>,
): Promise<unknown[]> {
  let query = db
    .selectFrom(table)
    .select(columns)
    .where('organizationId', '=', organizationId)
    .where('environment', '=', environment)
    .orderBy('position', 'desc')
    .limit(limit);
  for (const [column, value] of Object.entries(filter ?? {}) as [string, Value | undefined][]) {
    if (typeof value === 'string' && !isStorable(value)) return [];
    if (value !== undefined) query = query.where(column, '=', value);
  }
  if (after !== undefined) {
    if (!isStorable(after)) return [];
    const older = manufacturingCursor(db, table, after, { organizationId, environment });
    query = query.where('position', '<', older);
  }
  return query.execute();
}

function manufacturingCursor(db: Kysely<ManufacturingTables>, table: TableName, id: string, tenant: Tenant) {
  return db
    .selectFrom(table)
    .select('position')
    .where('id', '=', id)
    .where('organizationId', '=', tenant.organizationId)
    .where('environment', '=', tenant.environment);
}
