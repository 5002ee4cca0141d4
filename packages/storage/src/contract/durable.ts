import { type ClientMetadata, newId } from '@latchkey/protocol';
import { afterAll, beforeAll, describe } from 'vitest';
import type { Account } from '../accounts.ts';
import type { Client } from '../clients.ts';
import type { Grant } from '../grants.ts';
import type { Organization } from '../organizations.ts';
import type { DurableStorage } from '../storage.ts';
import { testAccounts } from './accounts.ts';
import { testApiKeyRotations } from './api-key-rotations.ts';
import { testApiKeys } from './api-keys.ts';
import { testAuditEvents } from './audit-events.ts';
import { testClientPages } from './client-pages.ts';
import { testClients } from './clients.ts';
import { createTestClock, type TestClock } from './clock.ts';
import { testGrants } from './grants.ts';
import { testIdempotencyKeys } from './idempotency.ts';
import { testManufacturing } from './manufacturing.ts';
import { testOrganizations } from './organizations.ts';
import { testRefreshTokens } from './refresh-tokens.ts';
import { testResourceServers } from './resource-servers.ts';
import { testRevocations } from './revocations.ts';
import { testSchema } from './schema.ts';
import { testSigningKeys } from './signing-keys.ts';
import { testTransactions } from './transactions.ts';
import { testUsage } from './usage.ts';

/** An implementation under test, empty and without a schema. */
export interface DurableHarness {
  /** Two handles on the same data, as two processes hold; twice the same where data belongs to one process. */
  storages: readonly [DurableStorage, DurableStorage];
  close(): Promise<void>;
}

/** What a test works with: the storage, and records to hang others on. */
export interface DurableFixture {
  storage: DurableStorage;
  /** Another process's storage on the same data. */
  peer: DurableStorage;
  clock: TestClock;
  organization(): Promise<Organization>;
  account(): Promise<Account>;
  client(organizationId?: string): Promise<Client>;
  /** A live grant, of a new account and client unless given. */
  grant(fields?: Partial<Grant>): Promise<Pick<Grant, 'id' | 'accountId' | 'clientId' | 'organizationId'>>;
}

/** Holds an implementation to every guarantee of `DurableStorage`. Call it in a test file. */
export function describeDurableStorage(
  name: string,
  open: (options: { now: () => Date }) => Promise<DurableHarness>,
): void {
  describe(`durable storage: ${name}`, () => {
    const clock = createTestClock();
    let harness: DurableHarness | undefined;
    const fixture = () => {
      if (!harness) throw new Error('the storage is not open');
      const [storage, peer] = harness.storages;
      return createFixture(storage, peer, clock);
    };
    beforeAll(async () => {
      harness = await open({ now: clock.now });
    });
    afterAll(() => harness?.close());

    testSchema(fixture);
    testOrganizations(fixture);
    testAccounts(fixture);
    testClients(fixture);
    testClientPages(fixture);
    testApiKeys(fixture);
    testApiKeyRotations(fixture);
    testResourceServers(fixture);
    testGrants(fixture);
    testRefreshTokens(fixture);
    testSigningKeys(fixture);
    testRevocations(fixture);
    testAuditEvents(fixture);
    testUsage(fixture);
    testIdempotencyKeys(fixture);
    testManufacturing(fixture);
    testTransactions(fixture);
  });
}

export const METADATA: ClientMetadata = {
  client_name: 'Line monitor',
  application_type: 'web',
  redirect_uris: ['https://client.example/callback'],
  post_logout_redirect_uris: [],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'client_secret_basic',
  scope: 'work-orders:read openid',
  id_token_signed_response_alg: 'ES256',
  require_pkce: true,
  refresh_without_secret: false,
};

const HOUR_SECONDS = 3600;

function createFixture(storage: DurableStorage, peer: DurableStorage, clock: TestClock): DurableFixture {
  const account = () => {
    const id = newId('account');
    return storage.accounts.create({ id, email: `${id}@example.com`, name: 'Ada', passwordDigest: null });
  };
  const client = (organizationId?: string) =>
    storage.clients.create({
      id: newId('client'),
      organizationId: organizationId ?? null,
      environment: 'live',
      metadata: METADATA,
    });
  return {
    storage,
    peer,
    clock,
    organization: () =>
      storage.organizations.create({ id: newId('organization'), name: 'Acme', plan: 'free' }),
    account,
    client,
    async grant(fields = {}) {
      const grant = {
        id: newId('grant'),
        accountId: fields.accountId ?? (await account()).id,
        clientId: fields.clientId ?? (await client()).id,
        organizationId: fields.organizationId ?? null,
        payload: fields.payload ?? {},
        expiresAt: fields.expiresAt ?? clock.in(HOUR_SECONDS),
      };
      await storage.grants.put(grant);
      return grant;
    },
  };
}
