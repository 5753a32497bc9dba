import type { ClockSample, MissReason, TimeSource } from 'epsilon-clock';

export type Outcome =
  | { readonly sample: ClockSample }
  | { readonly sourceId: string; readonly miss: MissReason };

/** `source`, with `onOutcome` called for each exchange after the clock has dealt with it. */
export function observed(source: TimeSource, onOutcome: (outcome: Outcome) => void): TimeSource {
  return {
    name: source.name,
    start: (sink) =>
      source.start({
        clock: sink.clock,
        endpoints: (ids) => sink.endpoints(ids),
        sample(sample) {
          sink.sample(sample);
          onOutcome({ sample });
        },
        get bounded() {
          return sink.bounded;
        },
        miss(sourceId, reason, details) {
          sink.miss(sourceId, reason, details);
          onOutcome({ sourceId, miss: reason });
        },
      }),
  };
}
