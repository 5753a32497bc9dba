/**
 * Runs around each file of unit tests. The files of a worker share its process, so a file that
 * leaves a changed global behind breaks another one, now and then. Here it fails itself.
 */
import { afterAll, beforeAll, expect } from 'vitest';

/** What tests replace: clocks, timers, and what tells a browser from Node. */
const watched = (): Record<string, unknown> => ({
  Date,
  now: Date.now,
  setTimeout,
  setInterval,
  setImmediate,
  performance,
  performanceNow: performance.now,
  process,
  hrtime: process.hrtime,
  load: Atomics.load,
  wait: Atomics.wait,
  SharedArrayBuffer: globalThis.SharedArrayBuffer,
  PerformanceObserver: globalThis.PerformanceObserver,
  fetch: globalThis.fetch,
  document: (globalThis as { document?: unknown }).document,
});

let globals: Record<string, unknown>;
let environment: NodeJS.ProcessEnv;
let directory: string;

beforeAll(() => {
  globals = watched();
  environment = { ...process.env };
  directory = process.cwd();
});

afterAll(() => {
  const now = watched();
  expect(Object.keys(now).filter((name) => now[name] !== globals[name])).toEqual([]);
  expect(process.env).toEqual(environment);
  expect(process.cwd()).toBe(directory);
});
