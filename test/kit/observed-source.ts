import type { ClockSample, MissReason, TimeSource } from 'epsilon-clock';

export type Outcome =
  | { readonly sample: ClockSample }
  | { readonly sourceId: string; readonly miss: MissReason };

/** `source`, with `onOutcome` called for each exchange after the clock has dealt with it. */
export function observed(source: TimeSource, onOutcome: (outcome: Outcome) => void): TimeSource {
  return {
    ...source,
    start: (sink) =>
      source.start({
        clock: sink.clock,
        endpoints: (ids) => sink.endpoints(ids),
        sample(sample, signed) {
          sink.sample(sample, signed);
          onOutcome({ sample });
        },
        get bounded() {
          return sink.bounded;
        },
        get lastSigned() {
          return sink.lastSigned;
        },
        miss(sourceId, reason, details) {
          sink.miss(sourceId, reason, details);
          onOutcome({ sourceId, miss: reason });
        },
      }),
  };
}
