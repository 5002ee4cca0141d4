import {
  changedOrganizationFields,
  createOrganization,
  type Operator,
  updateOrganization,
} from '@latchkey/registry';
import type { DeclaredOrganization } from './declaration.ts';
import { type Step, unchanged } from './step.ts';

export async function planOrganization(operator: Operator, declared: DeclaredOrganization): Promise<Step> {
  const { id } = declared;
  const step = { kind: 'organization', name: id } as const;
  const stored = await operator.durable.organizations.find(id);
  if (!stored) {
    const run = async () => {
      await createOrganization(operator, { ...declared, plan: declared.plan ?? 'free' });
      return [];
    };
    return { ...step, action: 'create', changes: [], run };
  }
  const { id: _, ...wanted } = declared;
  const changes = changedOrganizationFields(stored, wanted);
  if (changes.length === 0) return unchanged('organization', id);
  const run = async () => {
    await updateOrganization(operator, id, wanted);
    return [];
  };
  return { ...step, action: 'update', changes, run };
}
