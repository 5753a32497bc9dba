/**
 * `epsilon-clock/metrics`: what the clocks measure, for Prometheus, and whether they are good
 * enough, for health checks. Loads without Node.
 *
 * @module
 */
export {
  type HandlerRequest,
  type HandlerResponse,
  type HttpHandler,
  healthHandler,
  metricsHandler,
} from './metrics/handlers.ts';
export { type Health, type HealthOptions, health } from './metrics/health.ts';
export type { Measured } from './metrics/measured.ts';
export {
  type MetricsTextOptions,
  metricsContentType,
  metricsText,
} from './metrics/metrics-text.ts';
export { WaitHistogram, type WaitHistogramOptions } from './metrics/wait-histogram.ts';
