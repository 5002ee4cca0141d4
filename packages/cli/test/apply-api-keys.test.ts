import { parseApiKey } from '@latchkey/protocol';
import {
  createOperator,
  DEFAULT_API_KEY_SCOPES,
  deleteApiKey,
  disableOrganization,
  InvalidInputError,
  listApiKeys,
  type Operator,
  revokeApiKey,
  rotateApiKey,
} from '@latchkey/registry';
import { digestSecret } from '@latchkey/storage';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  formatPlan,
  formatSecrets,
  type Generated,
  type GeneratedApiKey,
  parseDeclaration,
  planDeclaration,
  runPlan,
} from '../src/index.ts';
import { createDeployment, type Deployment } from './latchkey.ts';

let deployment: Deployment;
let operator: Operator;
let clock = new Date();
beforeAll(async () => {
  deployment = await createDeployment();
  const { durable, shared } = deployment;
  operator = createOperator({ durable, feed: shared.feed, name: 'test', now: () => clock });
});
afterAll(() => deployment?.close());

/** Each test has an organisation of its own, whose keys it declares. */
let organization: string;
let count = 0;
beforeEach(() => {
  clock = new Date();
  count += 1;
  organization = `org_keys_${count}`;
});

const LEDGER = {
  identifier: 'https://ledger.example',
  name: 'Ledger',
  scopes: { 'ledger:read': 'Read' },
  accepts_api_keys: true,
};

async function planKeys(...keys: Record<string, unknown>[]) {
  const declaration = parseDeclaration({
    organizations: [{ id: organization, name: 'O' }],
    resource_servers: [LEDGER],
    api_keys: keys.map((key) => ({ organization, name: 'Export', ...key })),
  });
  const steps = await planDeclaration(operator, deployment.pepper, declaration);
  return { steps, keySteps: steps.filter(({ kind }) => kind === 'api_key') };
}

/** What was done to keys, and the keys that were made. */
async function apply(...keys: Record<string, unknown>[]) {
  const { steps, keySteps } = await planKeys(...keys);
  const made: Generated[] = [];
  await runPlan(steps, (one) => made.push(one));
  const done = keySteps.map(({ action, changes }) => [action, ...changes].join(' '));
  return { done, made: made as GeneratedApiKey[], keySteps };
}

const stored = () => listApiKeys(operator, { organizationId: organization });

async function faultsOf(...keys: Record<string, unknown>[]): Promise<string[]> {
  try {
    await planKeys(...keys);
  } catch (error) {
    if (error instanceof InvalidInputError) return error.faults.map(({ field }) => field);
    throw error;
  }
  return [];
}

describe('a declared API key', () => {
  it('is made and shown once, with the scopes of a resource server that the same file declares', async () => {
    const { done, made } = await apply({ scopes: ['ledger:read'], environment: 'test', rate_limit: 60 });
    expect(done).toEqual(['create a new key, shown once']);
    const [apiKey, ...others] = await stored();
    expect(others).toEqual([]);
    const key = String(made[0]?.key);
    expect(made).toEqual([{ id: apiKey?.id, organization, environment: 'test', name: 'Export', key }]);
    expect(formatSecrets(made)).toContain(`Export (${organization}, test)  ${key}`);
    expect(apiKey).toMatchObject({
      scopes: ['ledger:read'],
      rateLimit: 60,
      ipAllowlist: [],
      expiresAt: null,
    });
    expect(apiKey?.digest).toEqual(digestSecret(deployment.pepper, String(parseApiKey(key)?.secret)));
  });

  it('has the data scopes where the file names none', async () => {
    await apply({});
    expect((await stored())[0]).toMatchObject({ scopes: DEFAULT_API_KEY_SCOPES, environment: 'live' });
  });

  it('is left alone by the next run, which shows no key', async () => {
    const key = { scopes: ['quality:read', 'ledger:read'], ip_allowlist: ['203.0.113.0/24', '::1'] };
    await apply(key);
    const before = await stored();
    const reordered = { scopes: key.scopes.toReversed(), ip_allowlist: key.ip_allowlist.toReversed() };
    for (const declared of [key, reordered, {}]) {
      expect(await apply(declared)).toMatchObject({ done: ['unchanged'], made: [] });
    }
    expect(await stored()).toEqual(before);
  });

  it('is changed, and not replaced, by other settings', async () => {
    await apply({ scopes: ['ledger:read'], rate_limit: 60 });
    const end = new Date(clock.getTime() + 86_400_000);
    const changed = { scopes: ['quality:read'], rate_limit: null, expires_at: end.toISOString() };
    expect(await apply(changed)).toMatchObject({ done: ['update scopes rate_limit expires_at'], made: [] });
    expect(await stored()).toMatchObject([{ scopes: ['quality:read'], rateLimit: null, expiresAt: end }]);
    expect((await apply(changed)).done).toEqual(['unchanged']);
  });

  it('is another one in another environment, and by another name', async () => {
    const keys = [{}, { environment: 'test' }, { name: 'Import' }];
    expect((await apply(...keys)).made).toHaveLength(3);
    expect((await apply(...keys)).done).toEqual(['unchanged', 'unchanged', 'unchanged']);
  });

  it('that was revoked is not brought back, and the plan says so', async () => {
    const { made } = await apply({});
    await revokeApiKey(operator, String(made[0]?.id));
    const { done, made: again, keySteps } = await apply({ scopes: ['quality:read'] });
    expect({ done, again }).toEqual({ done: ['unchanged'], again: [] });
    expect(formatPlan(keySteps)).toBe(
      `note    api_key          Export (${organization}, live)  (${made[0]?.id} is revoked, and not made again: ` +
        'declare another name for another key)\nNothing to do: 0 as declared.',
    );
    expect(await stored()).toHaveLength(1);
  });

  it('that has expired stays so, though the file still names the end that is past', async () => {
    const key = { expires_at: new Date(clock.getTime() + 60_000).toISOString() };
    await apply(key);
    clock = new Date(clock.getTime() + 120_000);
    expect(await apply(key)).toMatchObject({ done: ['unchanged'], made: [] });
    expect(await apply({ expires_at: null })).toMatchObject({ done: ['unchanged'], made: [] });
  });

  it('that was deleted is made anew', async () => {
    const { made } = await apply({});
    await deleteApiKey(operator, String(made[0]?.id));
    expect((await apply({})).made).toHaveLength(1);
  });

  it('that was rotated is its successor', async () => {
    const { made } = await apply({});
    const { apiKey } = await rotateApiKey(operator, deployment.pepper, String(made[0]?.id), {
      overlapSeconds: 60,
    });
    expect((await apply({ rate_limit: 5 })).done).toEqual(['update rate_limit']);
    const limits = new Map((await stored()).map(({ id, rateLimit }) => [id, rateLimit]));
    expect(limits).toEqual(
      new Map([
        [apiKey.id, 5],
        [made[0]?.id, null],
      ]),
    );
  });
});

describe('a declared API key is refused before anything is written', () => {
  it('with scopes that no key can have', async () => {
    expect(await faultsOf({ scopes: ['quality:read', 'vault:read', 'openid'] })).toEqual([
      'api_keys[0].scopes[1]',
      'api_keys[0].scopes[2]',
    ]);
    expect(await operator.durable.organizations.find(organization)).toBeUndefined();
  });

  it('with an end that is past', async () => {
    expect(await faultsOf({ expires_at: '2020-01-01T00:00:00Z' })).toEqual(['api_keys[0].expires_at']);
  });

  it('of an organisation that is neither in the file nor stored, or is disabled', async () => {
    expect(await faultsOf({ organization: 'org_none' })).toEqual(['api_keys[0].organization']);
    await apply({});
    await disableOrganization(operator, organization);
    expect(await faultsOf({}, { name: 'Another' })).toEqual(['api_keys[1].organization']);
  });

  it('twice in one file, or with members that are none', () => {
    const key = { organization, name: 'Export' };
    const fields = (keys: unknown[]) => {
      try {
        parseDeclaration({ api_keys: keys });
      } catch (error) {
        if (error instanceof InvalidInputError) return error.faults.map(({ field }) => field);
      }
      throw new Error('was accepted');
    };
    expect(fields([key, { ...key, environment: 'test' }, { ...key, environment: 'live' }])).toEqual([
      'api_keys[2].name',
    ]);
    expect(fields([{ ...key, key: 'sk_live_x', rate_limit: 0, expires_at: 'tomorrow' }])).toEqual([
      'api_keys[0].rate_limit',
      'api_keys[0].expires_at',
      'api_keys[0].key',
    ]);
  });
});

it('a run that fails half-way has told of the keys that it made', async () => {
  const { steps } = await planKeys({});
  const made: Generated[] = [];
  const broken = { ...steps[0], run: () => Promise.reject(new Error('lost')) } as (typeof steps)[number];
  await expect(runPlan([...steps, broken], (one) => made.push(one))).rejects.toThrow('lost');
  expect(made).toMatchObject([{ name: 'Export' }]);
});
