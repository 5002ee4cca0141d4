import type { Environment } from '@latchkey/protocol';

/** Whose rows: every row of the API belongs to one organisation and one environment, and is seen from nowhere else. */
export interface Tenant {
  organizationId: string;
  environment: Environment;
}

interface Stamped {
  id: string;
  createdAt: Date;
  updatedAt: Date;
}

export const WORK_ORDER_STATUSES = ['planned', 'released', 'in_progress', 'completed', 'cancelled'] as const;
export const WORK_ORDER_PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const;

/** What to make, how many, by when. */
export interface WorkOrder extends Stamped {
  /** The customer's own number, unique in the tenant. */
  number: string;
  product: string;
  quantity: number;
  status: (typeof WORK_ORDER_STATUSES)[number];
  priority: (typeof WORK_ORDER_PRIORITIES)[number];
  dueAt: Date | null;
  notes: string | null;
}

export const OPERATION_STATUSES = ['pending', 'in_progress', 'completed', 'skipped'] as const;

/** One step of a work order. */
export interface Operation extends Stamped {
  workOrderId: string;
  /** Place in the routing, unique in the work order. */
  sequence: number;
  name: string;
  workCenter: string | null;
  status: (typeof OPERATION_STATUSES)[number];
  plannedMinutes: number | null;
  startedAt: Date | null;
  completedAt: Date | null;
  notes: string | null;
}

export const INSPECTION_TYPES = ['incoming', 'in_process', 'final'] as const;
export const INSPECTION_RESULTS = ['pending', 'passed', 'failed'] as const;

/** A quality check of a work order's output. */
export interface Inspection extends Stamped {
  workOrderId: string;
  type: (typeof INSPECTION_TYPES)[number];
  result: (typeof INSPECTION_RESULTS)[number];
  inspectedQuantity: number;
  defectQuantity: number;
  inspector: string | null;
  inspectedAt: Date | null;
  notes: string | null;
}

export interface InventoryItem extends Stamped {
  /** Stock-keeping unit, unique in the tenant. */
  sku: string;
  name: string;
  /** What a quantity of one means: `each`, `kg`, `m`. */
  unit: string;
  location: string | null;
  /** The sum of all adjustments. Never below zero. */
  quantityOnHand: number;
  reorderPoint: number | null;
}

export const ADJUSTMENT_REASONS = ['receipt', 'consumption', 'scrap', 'count', 'transfer', 'other'] as const;

/** A change of an item's stock. Append-only. */
export interface InventoryAdjustment {
  id: string;
  itemId: string;
  /** Signed: what came in, or went out. */
  quantity: number;
  reason: (typeof ADJUSTMENT_REASONS)[number];
  reference: string | null;
  notes: string | null;
  /** On hand right after this adjustment. */
  quantityAfter: number;
  createdAt: Date;
}

export type NewWorkOrder = Omit<WorkOrder, keyof Stamped>;
export type NewOperation = Omit<Operation, keyof Stamped>;
export type NewInspection = Omit<Inspection, keyof Stamped>;
/** Stock starts at zero; adjustments bring it up. */
export type NewInventoryItem = Omit<InventoryItem, keyof Stamped | 'quantityOnHand'>;
export type NewInventoryAdjustment = Omit<InventoryAdjustment, 'id' | 'createdAt' | 'quantityAfter'>;

/** Which rows, as equalities: an absent or undefined field does not restrict. */
export type Filter<Row, Field extends keyof Row> = { [Name in Field]?: Row[Name] | undefined };
/** What to change: an absent or undefined field stays as it is. */
export type Changes<New> = { [Name in keyof New]?: New[Name] | undefined };

export interface RowQuery<F> {
  filter?: F;
  /** Id of a row of this tenant: only what is older. A row that the tenant does not have is older than nothing. */
  after?: string | undefined;
  limit: number;
}

/** What all resources share. No method reaches a row of another tenant, whatever id it is given. */
export interface TenantRows<Row, F> {
  /** Newest first, in the order of insertion: stable while rows are added and changed. */
  list(tenant: Tenant, query: RowQuery<F>): Promise<Row[]>;
  find(tenant: Tenant, id: string): Promise<Row | undefined>;
}

export interface WorkOrders
  extends TenantRows<WorkOrder, Filter<WorkOrder, 'number' | 'status' | 'priority'>> {
  /** Inserts. Throws `ConflictError` when the number is taken. */
  create(tenant: Tenant, values: NewWorkOrder): Promise<WorkOrder>;
  /** Changes the named fields and `updatedAt`. Throws `ConflictError` when the number is taken. */
  update(tenant: Tenant, id: string, changes: Changes<NewWorkOrder>): Promise<WorkOrder | undefined>;
}

export interface Operations extends TenantRows<Operation, Filter<Operation, 'workOrderId' | 'status'>> {
  /** Undefined when the tenant has no such work order; `ConflictError` when the sequence is taken in it. */
  create(tenant: Tenant, values: NewOperation): Promise<Operation | undefined>;
  update(
    tenant: Tenant,
    id: string,
    changes: Changes<Omit<NewOperation, 'workOrderId'>>,
  ): Promise<Operation | undefined>;
}

export interface Inspections
  extends TenantRows<Inspection, Filter<Inspection, 'workOrderId' | 'type' | 'result'>> {
  /** Undefined when the tenant has no such work order. */
  create(tenant: Tenant, values: NewInspection): Promise<Inspection | undefined>;
  /** Throws `ConflictError` when more would be defective than were inspected. */
  update(
    tenant: Tenant,
    id: string,
    changes: Changes<Omit<NewInspection, 'workOrderId'>>,
  ): Promise<Inspection | undefined>;
}

export interface InventoryItems extends TenantRows<InventoryItem, Filter<InventoryItem, 'sku' | 'location'>> {
  /** Inserts with nothing on hand. Throws `ConflictError` when the SKU is taken. */
  create(tenant: Tenant, values: NewInventoryItem): Promise<InventoryItem>;
  update(tenant: Tenant, id: string, changes: Changes<NewInventoryItem>): Promise<InventoryItem | undefined>;
}

/** Most that may be on hand of one item. */
export const MAX_QUANTITY_ON_HAND = 2_000_000_000;

export interface InventoryAdjustments
  extends TenantRows<InventoryAdjustment, Filter<InventoryAdjustment, 'itemId' | 'reason'>> {
  /**
   * Adds the adjustment and changes what is on hand, both or neither; of any number of callers each sees its own
   * `quantityAfter`. Undefined when the tenant has no such item; `ConflictError` when less than nothing or more
   * than `MAX_QUANTITY_ON_HAND` would be left.
   */
  create(tenant: Tenant, values: NewInventoryAdjustment): Promise<InventoryAdjustment | undefined>;
}

/** The API's own data. */
export interface Manufacturing {
  workOrders: WorkOrders;
  operations: Operations;
  inspections: Inspections;
  inventoryItems: InventoryItems;
  inventoryAdjustments: InventoryAdjustments;
}
