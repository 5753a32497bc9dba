/**
 * `epsilon-clock/browser`: what only pages have. The source for a page, `httpTime`, is in
 * `epsilon-clock/http`.
 *
 * @module
 */
export { type AcrossTabsOptions, acrossTabs } from './sources/http/across-tabs.ts';
export { measuredClock } from './time/measured-clock.ts';
