import { DATA_SCOPES, MANAGEMENT_SCOPES, OIDC_SCOPES, ROLES, roleAllows } from '@latchkey/protocol';
import {
  DEFAULT_API_KEY_SCOPES,
  grantableScopes,
  missingScopes,
  requestableScopes,
} from '@latchkey/registry';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const ours = [DATA_SCOPES, MANAGEMENT_SCOPES, OIDC_SCOPES].flatMap(Object.keys);
const scope = fc.oneof(
  fc.constantFrom(...ours),
  fc.string({ unit: fc.constantFrom('a', 'b', ':', 'r'), minLength: 1, maxLength: 4 }),
  fc.constantFrom('ledger:read', 'ledger:write', 'constructor', '__proto__', 'toString'),
);
const scopes = fc.array(scope, { maxLength: 12 });
const role = fc.option(fc.constantFrom(...ROLES), { nil: undefined });
const servers = fc.array(
  fc.record({
    acceptsApiKeys: fc.boolean(),
    scopes: scopes.map((names) => Object.fromEntries(names.map((name) => [name, 'words']))),
  }),
  { maxLength: 4 },
);

describe('what somebody can hand on', () => {
  it('is what the credential holds and the role allows, and nothing else', () => {
    fc.assert(
      fc.property(scopes, scopes, role, (wanted, held, has) => {
        const missing = missingScopes(wanted, { scopes: new Set(held), role: has });
        for (const name of wanted) {
          const may = held.includes(name) && (has === undefined || roleAllows(has, name));
          expect(missing.includes(name)).toBe(!may);
        }
        expect(missing.every((name) => wanted.includes(name))).toBe(true);
        expect(new Set(missing).size).toBe(missing.length);
      }),
    );
  });

  it('never grows by holding less or by a weaker role', () => {
    fc.assert(
      fc.property(scopes, scopes, fc.nat(), role, (wanted, held, dropped, has) => {
        const less = held.filter((_, index) => index !== dropped % (held.length + 1));
        const missing = missingScopes(wanted, { scopes: new Set(held), role: has });
        const missingThen = missingScopes(wanted, { scopes: new Set(less), role: has });
        expect(missingThen).toEqual(expect.arrayContaining(missing));
        const [owner, , , viewer] = ROLES.map((one) =>
          missingScopes(wanted, { scopes: new Set(held), role: one }),
        );
        expect(viewer).toEqual(expect.arrayContaining(owner ?? []));
      }),
    );
  });

  it('is nothing that a viewer may not do, whatever its credential says', () => {
    const all = new Set(ours);
    expect(missingScopes(['work-orders:write', 'work-orders:read'], { scopes: all, role: 'viewer' })).toEqual(
      ['work-orders:write'],
    );
    expect(missingScopes(['organization:write'], { scopes: all, role: 'developer' })).toEqual([
      'organization:write',
    ]);
  });
});

describe('what an API key can have', () => {
  it('is ours and what resource servers that take keys define, never what OpenID Connect defines', () => {
    fc.assert(
      fc.property(servers, (records) => {
        const theirs = records
          .filter((server) => server.acceptsApiKeys)
          .flatMap(({ scopes: own }) => Object.keys(own));
        const known = new Set([DATA_SCOPES, MANAGEMENT_SCOPES].flatMap(Object.keys).concat(theirs));
        const expected = [...known].filter((name) => !Object.hasOwn(OIDC_SCOPES, name));
        expect([...grantableScopes(records)].toSorted()).toEqual(expected.toSorted());
      }),
    );
  });

  it('by default is the ten data scopes, none over the organisation', () => {
    expect(DEFAULT_API_KEY_SCOPES).toHaveLength(10);
    const management = Object.keys(MANAGEMENT_SCOPES);
    expect(DEFAULT_API_KEY_SCOPES.filter((name) => management.includes(name))).toEqual([]);
  });
});

describe('what an application can ask for', () => {
  it('is all that anybody defines', () => {
    fc.assert(
      fc.property(servers, scope, (records, name) => {
        const defined = records.some((server) => Object.hasOwn(server.scopes, name));
        expect(requestableScopes(records).has(name)).toBe(defined || ours.includes(name));
      }),
    );
  });
});
