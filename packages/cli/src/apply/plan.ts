import { InvalidInputError, type Operator } from '@latchkey/registry';
import { findApiKeyFaults, planApiKey } from './api-keys.ts';
import { findClientFaults, planClient } from './clients.ts';
import type { Declaration } from './declaration.ts';
import { planOrganization } from './organizations.ts';
import { findReferenceFaults } from './references.ts';
import { planResourceServer } from './resource-servers.ts';
import type { Generated, Step } from './step.ts';
import { planUser } from './users.ts';

/**
 * What it takes to bring the stored state to the declared one, in order: what others refer to comes first. Nothing
 * is written. @throws {InvalidInputError} naming everything the declaration refers to in vain
 */
export async function planDeclaration(
  operator: Operator,
  pepper: Buffer,
  declaration: Declaration,
): Promise<Step[]> {
  const faults = [
    ...(await findReferenceFaults(operator.durable, declaration)),
    ...(await findClientFaults(operator, declaration)),
    ...(await findApiKeyFaults(operator, declaration)),
  ];
  if (faults.length > 0) throw new InvalidInputError(faults);
  const steps: Step[] = [];
  for (const declared of declaration.organizations) steps.push(await planOrganization(operator, declared));
  for (const declared of declaration.users) steps.push(await planUser(operator, declared));
  for (const declared of declaration.clients) steps.push(await planClient(operator, pepper, declared));
  for (const declared of declaration.resource_servers) {
    steps.push(await planResourceServer(operator, declared));
  }
  for (const declared of declaration.api_keys) steps.push(await planApiKey(operator, pepper, declared));
  return steps;
}

/**
 * Takes the steps. Each leaves its record either as it was or in a state from which another run goes on, so a run
 * that was cut short is finished by the next. `onGenerated` is told of secrets and keys as they are made: no later run
 * could, were they lost with this one. A run that is told to stop ends after the step in progress, with the signal's
 * reason.
 */
export async function runPlan(
  steps: Step[],
  onGenerated: (generated: Generated) => void = () => {},
  signal?: AbortSignal,
): Promise<void> {
  for (const step of steps) {
    signal?.throwIfAborted();
    for (const generated of await step.run()) onGenerated(generated);
  }
}
