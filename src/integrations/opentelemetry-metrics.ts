/**
 * What the clocks measure, through a meter of OpenTelemetry: the figures of
 * `epsilon-clock/metrics`, from one reading per collection.
 *
 * The names are those of Prometheus with a dot behind the namespace and without the unit, which
 * OpenTelemetry has apart. Its Prometheus exporter makes the same names of them again.
 */
import type { Family } from '../metrics/family.ts';
import { checkMeasured, familiesOf, type Measured } from '../metrics/measured.ts';
import { checkMethods } from '../time/errors.ts';
import { checkOptionNames } from '../time/options.ts';

/** What is handed to a callback that observes instruments of a meter. */
export interface OtelBatchResult<Instrument> {
  /** Reports a value. */
  observe(
    instrument: Instrument,
    value: number,
    attributes: Readonly<Record<string, string>>,
  ): void;
}

/** The part of a `Meter` of OpenTelemetry that is used here. */
export interface OtelMeter<Instrument> {
  /** Makes a gauge. */
  createObservableGauge(name: string, options: OtelInstrumentOptions): Instrument;
  /** Makes a counter. */
  createObservableCounter(name: string, options: OtelInstrumentOptions): Instrument;
  /** Has `callback` called at each collection. */
  addBatchObservableCallback(
    callback: (result: OtelBatchResult<Instrument>) => void,
    instruments: Instrument[],
  ): void;
  /** Ends that. */
  removeBatchObservableCallback(
    callback: (result: OtelBatchResult<Instrument>) => void,
    instruments: Instrument[],
  ): void;
}

/** What a meter is told of an instrument. */
export interface OtelInstrumentOptions {
  /** What is measured. */
  description: string;
  /** Its unit: `s`, `1` for a ratio, or none. */
  unit: string;
}

/** What {@link observeClocks} observes: a clock, a hybrid clock, the counts of messages, leases. */
export type ObservedClocks = Omit<Measured, 'waits' | 'pauses'>;

const OBSERVED: Readonly<Record<keyof ObservedClocks, true>> = {
  clock: true,
  hlc: true,
  counts: true,
  leases: true,
};

const METHODS = [
  'createObservableGauge',
  'createObservableCounter',
  'addBatchObservableCallback',
  'removeBatchObservableCallback',
];

/**
 * Observes clocks by instruments of `meter`: the gauges and counters of `metricsText`, under names
 * such as `epsilon_clock.uncertainty` (`s`) and `epsilon_hlc.refused`. There is one reading per
 * collection, so all figures of a clock are about one instant. A gauge that has no value any more,
 * such as the uncertainty of a clock that lost its bound, is reported as `NaN` once: the SDK keeps
 * the last value of what is not reported.
 *
 * Returns a function that ends the observation.
 *
 * @throws ArgumentTypeError naming the argument at fault
 * @throws FakeTimersError (`ERR_FAKE_TIMERS`) while fake timers are installed over the clock
 * @example
 * import { metrics } from '@opentelemetry/api';
 * const stop = observeClocks(metrics.getMeter('epsilon-clock'), { clock, hlc });
 */
export function observeClocks<Instrument>(
  meter: OtelMeter<Instrument>,
  observed: ObservedClocks,
): () => void {
  checkMethods('meter', 'a Meter of OpenTelemetry', meter, METHODS);
  const { clock, hlc, counts, leases } = checkOptionNames(observed, OBSERVED, 'observed');
  const measured = checkMeasured({ clock, hlc, counts, leases });
  const instruments = new Map(
    familiesOf(measured).map((family) => [family.name, instrumentOf(meter, family)]),
  );
  let gauges = new Map<string, Reported<Instrument>>();
  const observe = (result: OtelBatchResult<Instrument>): void => {
    const absent = gauges;
    gauges = new Map();
    for (const family of familiesOf(measured)) {
      if (family.type === 'histogram') continue;
      const instrument = instruments.get(family.name)!;
      for (const { value, labels } of family.points) {
        result.observe(instrument, value, labels);
        const series = `${family.name} ${JSON.stringify(labels)}`;
        absent.delete(series);
        if (family.type === 'gauge') gauges.set(series, { instrument, labels });
      }
    }
    for (const { instrument, labels } of absent.values()) {
      result.observe(instrument, Number.NaN, labels);
    }
  };
  const all = [...instruments.values()];
  meter.addBatchObservableCallback(observe, all);
  return () => meter.removeBatchObservableCallback(observe, all);
}

/** A series of a gauge that had a value once. */
interface Reported<Instrument> {
  readonly instrument: Instrument;
  readonly labels: Readonly<Record<string, string>>;
}

const UNITS: Readonly<Record<string, string>> = { seconds: 's', ratio: '1' };

function instrumentOf<Instrument>(meter: OtelMeter<Instrument>, family: Family): Instrument {
  const [, namespace, name, unit] = /^(epsilon_[a-z]+)_(.+?)(?:_(seconds|ratio))?$/.exec(
    family.name,
  )!;
  const options = { description: family.help, unit: UNITS[unit ?? ''] ?? '' };
  return family.type === 'counter'
    ? meter.createObservableCounter(`${namespace}.${name}`, options)
    : meter.createObservableGauge(`${namespace}.${name}`, options);
}
