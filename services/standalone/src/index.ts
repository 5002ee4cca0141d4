export type { Description } from './demo.ts';
export { type Standalone, type StandaloneOptions, startStandalone } from './start.ts';
