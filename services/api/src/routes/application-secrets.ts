import { isId } from '@latchkey/protocol';
import {
  addApplicationSecret,
  expireApplicationSecret,
  expiresAt,
  getApplication,
  revokeApplicationSecret,
} from '@latchkey/registry';
import { z } from 'zod';
import { type Call, defineEndpoint, found, param } from '../endpoint.ts';
import { isoInstant } from '../fields.ts';
import { operatorOf } from '../operator.ts';
import type { RouteDeps } from '../route-table.ts';
import { findApplication, ownerOf, showSecret, withGivable } from './application-records.ts';

const tag = 'Applications';

/** Without its value, which is in the answer that made it alone. */
export const secret = z.object({
  id: z.string().describe('Names the secret, and is no secret'),
  created_at: isoInstant().describe('When it was made'),
  expires_at: isoInstant().nullable().describe('When it ends; null: not by itself'),
});

const issuedSecret = z.object({
  id: z.string().describe('Names the secret, and is no secret'),
  client_secret: z.string().describe('The secret itself. It is shown in this answer alone'),
  expires_at: isoInstant().nullable().describe('When it ends; null: not by itself'),
});

const addSecret = z
  .strictObject({
    expires_at: expiresAt.optional().describe('Default: never'),
    others_expire_at: expiresAt.optional().describe('Makes it a rotation: every other secret ends then'),
  })
  .prefault({});
const changeSecret = z.strictObject({ expires_at: expiresAt.describe('An instant in the future') });

export function createApplicationSecretEndpoints(deps: RouteDeps) {
  return { ...newSecretEndpoints(deps), ...endingSecretEndpoints(deps) };
}

function newSecretEndpoints(deps: RouteDeps) {
  return {
    addSecret: defineEndpoint({
      id: 'createApplicationSecret',
      summary: 'Add a secret to an application',
      description: 'The answer holds the secret, once. You must hold every scope of the application.',
      tag,
      body: addSecret,
      answer: { name: 'IssuedApplicationSecret', schema: issuedSecret, status: 201 },
      conflict: 'The application has as many secrets as it may have',
      handle: async (call) => {
        const { expires_at, others_expire_at } = call.body;
        const ends = { expiresAt: expires_at, othersExpireAt: others_expire_at };
        const made = await withGivable(deps, call, ({ operator }, { id }) =>
          addApplicationSecret(operator, deps.pepper, ownerOf(call), id, ends),
        );
        return {
          id: made.id,
          client_secret: made.secret,
          expires_at: made.expiresAt?.toISOString() ?? null,
        };
      },
    }),
  };
}

function endingSecretEndpoints(deps: RouteDeps) {
  return {
    changeSecret: defineEndpoint({
      id: 'updateApplicationSecret',
      summary: 'Set when a secret ends',
      tag,
      body: changeSecret,
      answer: { name: 'ApplicationSecret', schema: secret, status: 200 },
      handle: (call) =>
        withGivable(deps, call, async ({ operator }, { id }) => {
          const secretId = secretIdOf(call);
          await expireApplicationSecret(operator, ownerOf(call), id, secretId, call.body.expires_at);
          const { secrets } = await getApplication(operator, ownerOf(call), id);
          return showSecret(found(secrets.find((row) => row.id === secretId)));
        }),
    }),
    removeSecret: defineEndpoint({
      id: 'revokeApplicationSecret',
      summary: 'Revoke a secret of an application',
      description: 'At once. Access tokens that it obtained live on until they expire.',
      tag,
      answer: { status: 204 },
      handle: async (call) => {
        const { id } = await findApplication(deps, call);
        await revokeApplicationSecret(operatorOf(deps, call), ownerOf(call), id, secretIdOf(call));
      },
    }),
  };
}

function secretIdOf(call: Call<unknown, unknown>): string {
  const id = param(call, 'secret_id');
  return found(isId('secret', id) ? id : undefined);
}
