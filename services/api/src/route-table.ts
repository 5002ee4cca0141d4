import type { DATA_SCOPES, MANAGEMENT_SCOPES } from '@latchkey/protocol';
import type { Logger } from '@latchkey/service';
import type { DurableRecords, RevocationFeed } from '@latchkey/storage';
import type { Endpoint } from './endpoint.ts';
import { createApiKeyEndpoints } from './routes/api-keys.ts';
import { createApplicationEndpoints } from './routes/applications.ts';
import { createAuditEventEndpoints } from './routes/audit-events.ts';
import { createInspectionEndpoints } from './routes/inspections.ts';
import { createInventoryEndpoints } from './routes/inventory.ts';
import { createOperationEndpoints } from './routes/operations.ts';
import { createOrganizationEndpoints } from './routes/organization.ts';
import { createUsageEndpoints } from './routes/usage.ts';
import { createWorkOrderEndpoints } from './routes/work-orders.ts';

export interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Template: `:name` stands for one segment. */
  path: string;
  /** What a credential must hold. */
  scope: keyof typeof DATA_SCOPES | keyof typeof MANAGEMENT_SCOPES;
  endpoint: Endpoint;
  /** Kinds of credential that may call it. Default: both. */
  credentials?: readonly ('token' | 'api_key')[];
  /** For each credential by itself, beside the limits of its key and organisation. */
  limit?: { requests: number; windowSeconds: number };
}

/** What endpoints work with. */
export interface RouteDeps {
  durable: DurableRecords;
  /** Told of changed records. */
  feed: Pick<RevocationFeed, 'publish'>;
  /** Under which the secrets of API keys and applications are digested. */
  pepper: Buffer;
  logger: Logger;
  now?: () => Date;
}

export const BASE_PATH = '/api/v2';

/** Every route of the API, with the scope it needs. */
export function createRouteTable(deps: RouteDeps): Route[] {
  return [...dataRoutes(deps), ...managementRoutes(deps)];
}

function route(
  line: string,
  scope: Route['scope'],
  endpoint: Endpoint,
  more: Pick<Route, 'credentials' | 'limit'> = {},
): Route {
  const [method, path] = line.split(/ +/);
  return { method: method as Route['method'], path: `${BASE_PATH}${path}`, scope, endpoint, ...more };
}

function dataRoutes({ durable: { manufacturing: data } }: RouteDeps): Route[] {
  const orders = createWorkOrderEndpoints(data);
  const operations = createOperationEndpoints(data);
  const inspections = createInspectionEndpoints(data);
  const inventory = createInventoryEndpoints(data);
  return [
    route('GET   /work-orders', 'work-orders:read', orders.list),
    route('POST  /work-orders', 'work-orders:write', orders.create),
    route('GET   /work-orders/:id', 'work-orders:read', orders.get),
    route('PATCH /work-orders/:id', 'work-orders:write', orders.update),

    route('GET   /work-orders/:id/operations', 'operations:read', operations.listOfWorkOrder),
    route('POST  /work-orders/:id/operations', 'operations:write', operations.createInWorkOrder),
    route('GET   /operations', 'operations:read', operations.list),
    route('GET   /operations/:id', 'operations:read', operations.get),
    route('PATCH /operations/:id', 'operations:write', operations.update),

    route('GET   /quality/inspections', 'quality:read', inspections.list),
    route('POST  /quality/inspections', 'quality:write', inspections.create),
    route('GET   /quality/inspections/:id', 'quality:read', inspections.get),
    route('PATCH /quality/inspections/:id', 'quality:write', inspections.update),

    route('GET   /inventory/items', 'inventory:read', inventory.list),
    route('POST  /inventory/items', 'inventory:write', inventory.create),
    route('GET   /inventory/items/:id', 'inventory:read', inventory.get),
    route('PATCH /inventory/items/:id', 'inventory:write', inventory.update),
    route('GET   /inventory/items/:id/adjustments', 'inventory:read', inventory.listAdjustments),
    route('POST  /inventory/items/:id/adjustments', 'inventory:write', inventory.createAdjustment),
    route('GET   /inventory/items/:id/adjustments/:adjustment_id', 'inventory:read', inventory.getAdjustment),
  ];
}

/** What an organisation manages of its own. */
function managementRoutes(deps: RouteDeps): Route[] {
  const keys = createApiKeyEndpoints(deps);
  const apps = createApplicationEndpoints(deps);
  const organization = createOrganizationEndpoints(deps);
  const usage = createUsageEndpoints(deps);
  const auditEvents = createAuditEventEndpoints(deps);
  return [
    route('GET    /api-keys', 'api-keys:read', keys.list),
    route('POST   /api-keys', 'api-keys:write', keys.create),
    route('GET    /api-keys/:id', 'api-keys:read', keys.get),
    route('PATCH  /api-keys/:id', 'api-keys:write', keys.update),
    route('DELETE /api-keys/:id', 'api-keys:write', keys.remove),
    route('POST   /api-keys/:id/rotate', 'api-keys:write', keys.rotate),
    route('POST   /api-keys/:id/revoke', 'api-keys:write', keys.revoke),

    route('GET    /applications', 'applications:read', apps.list),
    route('POST   /applications', 'applications:write', apps.create),
    route('GET    /applications/:id', 'applications:read', apps.get),
    route('PATCH  /applications/:id', 'applications:write', apps.update),
    route('DELETE /applications/:id', 'applications:write', apps.remove),
    route('POST   /applications/:id/secrets', 'applications:write', apps.addSecret),
    route('PATCH  /applications/:id/secrets/:secret_id', 'applications:write', apps.changeSecret),
    route('DELETE /applications/:id/secrets/:secret_id', 'applications:write', apps.removeSecret),

    route('GET    /organization', 'organization:read', organization.get),
    // No key may lift the allowlist that bounds it.
    route('PATCH  /organization', 'organization:write', organization.update, { credentials: ['token'] }),

    route('GET    /usage', 'usage:read', usage.list),
    route('GET    /audit-events', 'audit:read', auditEvents.list),
  ];
}
