import { grantableScopes, InvalidInputError, type Operator } from '@latchkey/registry';
import { describeScopes } from '../apply/api-keys.ts';

/** The registry names faults as the wire does; whoever typed a command looks for its options. */
export async function inOptions<T>(operator: Operator, change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    const faults = error.faults.map(({ field, message }) => ({ field: toOption(field), message }));
    if (!faults.some(({ field }) => field === '--scope')) throw new InvalidInputError(faults);
    const known = grantableScopes(await operator.durable.resourceServers.list());
    throw new InvalidInputError([...faults, { field: '', message: describeScopes(known) }]);
  }
}

/** `ip_allowlist[0]` is `--ip-allowlist`. */
function toOption(field: string): string {
  const [member = ''] = field.split('[');
  return member === 'scopes' ? '--scope' : `--${member.replaceAll('_', '-')}`;
}
