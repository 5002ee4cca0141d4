export * from './api-reference/describe.ts';
export type * from './api-reference/openapi.ts';
export { ASSET_CACHE_CONTROL, type Asset } from './assets.ts';
export * from './destination.ts';
export type * from './page-data.ts';
export * from './pages.ts';
export * from './problems.ts';
