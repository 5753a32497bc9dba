import { ArgumentTypeError, checkObject } from '../time/errors.ts';
import { textOf } from './family.ts';
import { checkMeasured, familiesOf, type Measured } from './measured.ts';

/** Options of {@link metricsText}. */
export interface MetricsTextOptions {
  /** The `Accept` header of the request. Default: the text format of Prometheus. */
  readonly accept?: string | undefined;
}

const OPENMETRICS = 'application/openmetrics-text';
const CONTENT_TYPES = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: `${OPENMETRICS}; version=1.0.0; charset=utf-8`,
};

/**
 * What the clocks measure, as text for Prometheus. Seconds are doubles. All figures of a clock are
 * about one instant. Some tens of microseconds; it asks no server.
 *
 * To add it to the registry of prom-client, append it to what `register.metrics()` gives.
 *
 * @throws ArgumentTypeError when a part is not what its name says
 * @throws FakeTimersError (`ERR_FAKE_TIMERS`) while fake timers are installed over the clock
 * @example
 * const text = metricsText({ clock, hlc });
 * text.split('\n')[1] // '# TYPE epsilon_clock_status gauge'
 */
export function metricsText(measured: Measured, options: MetricsTextOptions = {}): string {
  const { accept } = checkObject('options', options);
  return textOf(familiesOf(checkMeasured(measured)), formatFor(accept));
}

/**
 * The `Content-Type` of what {@link metricsText} gives for the same options.
 *
 * @throws ArgumentTypeError when `accept` is not a string
 * @example
 * metricsContentType() // 'text/plain; version=0.0.4; charset=utf-8'
 */
export function metricsContentType(options: MetricsTextOptions = {}): string {
  return CONTENT_TYPES[formatFor(checkObject('options', options).accept)];
}

/** OpenMetrics for clients that name it and do not prefer plain text. */
function formatFor(accept: string | undefined): keyof typeof CONTENT_TYPES {
  if (accept === undefined) return 'prometheus';
  if (typeof accept !== 'string') throw new ArgumentTypeError('accept', 'a string', accept);
  let open = 0;
  let plain = 0;
  // A client that sends more than this is not a scraper.
  for (const range of accept.slice(0, 1000).split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = quality === undefined ? 1 : Number(quality.slice(2)) || 0;
    if (type === OPENMETRICS) open = Math.max(open, weight);
    if (type === 'text/plain') plain = Math.max(plain, weight);
  }
  return open > 0 && open >= plain ? 'openmetrics' : 'prometheus';
}
