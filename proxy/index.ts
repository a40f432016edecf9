/** The accelerator as a library: a cache over any `Backend`, the HTTP front, and a DynamoDB endpoint as a `Backend`. */
export {
  Accelerator,
  type AcceleratorOptions,
  type AcceleratorStats,
  type TableSettings,
} from './accelerator.ts';
export { type Front, type FrontOptions, startFront } from './front/api.ts';
export { defaultHttpLimits, type HttpLimits } from './front/limits.ts';
export { openUpstream, UnansweredError, type UpstreamOptions } from './upstream.ts';
