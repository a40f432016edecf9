/** The embedded table engine as a library: a `Backend` on a data folder. */
export { type CheckReport, checkDataDirectory } from './check.ts';
export { Engine } from './engine.ts';
export type { EngineOptions } from './engine-options.ts';
