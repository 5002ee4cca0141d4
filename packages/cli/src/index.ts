/** The registry's operations and the declarative file, for whoever works without a terminal. */

export { type Declaration, parseDeclaration, readDeclaration } from './apply/declaration.ts';
export { readDeclarationFile } from './apply/file.ts';
export { formatPlan, formatSecrets } from './apply/format.ts';
export { planDeclaration, runPlan } from './apply/plan.ts';
export type { GeneratedSecret, Step } from './apply/step.ts';
export * from './registry/accounts.ts';
export * from './registry/client-secrets.ts';
export * from './registry/clients.ts';
export * from './registry/faults.ts';
export * from './registry/inputs.ts';
export * from './registry/members.ts';
export * from './registry/operator.ts';
export * from './registry/organizations.ts';
export * from './registry/resource-servers.ts';
export * from './registry/revoke.ts';
export * from './registry/signing-keys.ts';
export { CHANGE_KEYS, CHANGE_SECRETS, READ } from './terminal/session.ts';
