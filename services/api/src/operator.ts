import { createOperator, type Operator } from '@latchkey/registry';
import type { Call } from './endpoint.ts';
import type { RouteDeps } from './route-table.ts';

/** The registry's rules on behalf of whoever calls: the audit log names them, and where they called from. */
export function operatorOf(
  { durable, feed, logger, now }: RouteDeps,
  { principal, origin }: Pick<Call<unknown, unknown>, 'principal' | 'origin'>,
): Operator {
  return createOperator({
    durable,
    feed,
    onMissed: (err) => logger.warn({ err, request_id: origin.requestId }, 'a change was not announced'),
    actor: actorOf(principal),
    origin,
    ...(now ? { now } : {}),
  });
}

function actorOf(principal: Call<unknown, unknown>['principal']): Operator['actor'] {
  if (principal.apiKeyId !== undefined) return { type: 'api_key', id: principal.apiKeyId };
  if (principal.accountId !== undefined) return { type: 'account', id: principal.accountId };
  return { type: 'client', id: principal.credentialId };
}
