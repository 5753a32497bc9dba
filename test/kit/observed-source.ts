import type { ClockSample, MissReason, TimeSource } from 'epsilon-clock';

export type Outcome =
  | { readonly sample: ClockSample }
  | { readonly sourceId: string; readonly miss: MissReason };

/** `source`, and `onOutcome` is told of each exchange after the clock has dealt with it. */
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
        miss(sourceId, reason) {
          sink.miss(sourceId, reason);
          onOutcome({ sourceId, miss: reason });
        },
      }),
  };
}
