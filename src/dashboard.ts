/**
 * `epsilon-clock/dashboard`: a page on which to watch a clock, as a handler for any HTTP server.
 * Loads without Node.
 *
 * @module
 */
export { Dashboard, type DashboardOptions } from './dashboard/dashboard.ts';
export type {
  DashboardHandler,
  DashboardRequest,
  DashboardResponse,
} from './dashboard/handler.ts';
