/** The declarative file, for whoever works without a terminal. */

export { type Declaration, parseDeclaration, readDeclaration } from './apply/declaration.ts';
export { readDeclarationFile } from './apply/file.ts';
export { formatPlan, formatSecrets, sayAsMade } from './apply/format.ts';
export { planDeclaration, runPlan } from './apply/plan.ts';
export type { Generated, GeneratedApiKey, GeneratedSecret, Step } from './apply/step.ts';
export { CHANGE_KEYS, CHANGE_SECRETS, READ } from './terminal/session.ts';
