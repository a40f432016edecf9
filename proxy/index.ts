/** The accelerator as a library: a cache over any `Backend`, the HTTP front, and a DynamoDB endpoint as a `Backend`. */
export {
  Accelerator,
  type AcceleratorOptions,
  type AcceleratorStats,
  type TableSettings,
} from './accelerator.ts';
export { type AdminOptions, startAdmin } from './admin.ts';
export {
  CacheSettings,
  type CacheSettingsChange,
  type CacheSettingsValues,
  SettingsError,
  type TableCacheSettings,
} from './cache-settings.ts';
export { FlushError, type FlushTarget } from './flush.ts';
export { type Front, type FrontOptions, startFront } from './front/api.ts';
export { defaultHttpLimits, type HttpLimits } from './front/limits.ts';
export { type Inspection, type InspectorOptions, type InspectorWorld, inspect } from './inspector.ts';
export { Metrics, type MetricsOptions } from './metrics.ts';
export { openUpstream, UnansweredError, type UpstreamOptions } from './upstream.ts';
