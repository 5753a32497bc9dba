/**
 * What the runtime says about how this thread spent its time: on the processor, or collecting
 * garbage. Each part may be missing: browsers have none of them.
 */
import type { Clock } from '../time/clock.ts';

/** Totals that only grow, in ms. */
export interface ProcessFacts {
  /** Processor time used; `undefined` where the runtime does not tell. */
  cpuMs(): number | undefined;
  /** An instant, for `collectedMs`. */
  nowMs(): number;
  /** How long garbage was collected from that instant on, as far as is recorded yet. */
  collectedMs(sinceMs: number): number;
  /** Ends the observation of the garbage collector. */
  stop(): void;
}

interface Usage {
  readonly user: number;
  readonly system: number;
}

interface Entry {
  readonly startTime: number;
  readonly duration: number;
}

interface Observer {
  observe(options: { readonly entryTypes: readonly string[] }): void;
  takeRecords(): readonly Entry[];
  disconnect(): void;
}

interface Host {
  readonly process?: {
    readonly hrtime?: { readonly bigint?: unknown };
    cpuUsage?(): Usage;
    /** Node 23.9 and later: of this thread alone. */
    threadCpuUsage?(): Usage;
  };
  readonly performance?: { now(): number };
  readonly PerformanceObserver?: {
    new (onEntries: (list: { getEntries(): readonly Entry[] }) => void): Observer;
    readonly supportedEntryTypes?: readonly string[];
  };
}

/** Collections that are remembered. A pause that is longer than them all is no collection's. */
const MAX_ENTRIES = 256;

/**
 * The facts about this thread; `undefined` where the runtime has none, and for a clock that is not
 * the system's: they say nothing about a simulated process.
 */
export function processFacts(clock: Clock): ProcessFacts | undefined {
  const { process, performance, PerformanceObserver } = globalThis as unknown as Host;
  const read = process?.hrtime?.bigint;
  if (read === undefined || clock.monotonicNs !== read) return undefined;
  if (performance === undefined) return undefined;

  const collections: Entry[] = [];
  const add = (entries: readonly Entry[]): void => {
    collections.push(...entries.slice(-MAX_ENTRIES));
    collections.splice(0, collections.length - MAX_ENTRIES);
  };
  let observer: Observer | undefined;
  if (PerformanceObserver?.supportedEntryTypes?.includes('gc')) {
    observer = new PerformanceObserver((list) => add(list.getEntries()));
    observer.observe({ entryTypes: ['gc'] });
  }
  return {
    cpuMs() {
      const usage = process?.threadCpuUsage?.() ?? process?.cpuUsage?.();
      return usage && (usage.user + usage.system) / 1000;
    },
    nowMs: () => performance.now(),
    collectedMs(sinceMs) {
      if (observer) add(observer.takeRecords());
      let sum = 0;
      for (const { startTime, duration } of collections) {
        sum += Math.max(0, startTime + duration - Math.max(startTime, sinceMs));
      }
      return sum;
    },
    stop: () => observer?.disconnect(),
  };
}
