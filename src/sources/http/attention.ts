/**
 * When a page should look at its servers again: when somebody looks at it again, or when the
 * machine may have slept or changed networks.
 *
 * Each of these events first makes the clock compare its wall with its monotonic clock. So after a
 * sleep it says `disrupted` before anything else, and all sources are asked anew.
 */
import type { RunningSource, SourceSink } from '../../bounded-clock/time-source.ts';
import { type Events, isVisible, type Page } from './page.ts';

/** The page is shown again; comes back from the back/forward cache; is thawed; has a network. */
const OF_DOCUMENT = ['visibilitychange', 'resume'];
const OF_WINDOW = ['pageshow', 'online'];

/** Calls `look` on each such event, until the function that it returns is called. */
export function onAttention(page: Page, look: () => void): () => void {
  const heard: [Events | undefined, string][] = [
    ...OF_DOCUMENT.map((type): [Events | undefined, string] => [page.document, type]),
    ...OF_WINDOW.map((type): [Events, string] => [page, type]),
  ];
  for (const [target, type] of heard) target?.addEventListener?.(type, look);
  return () => {
    for (const [target, type] of heard) target?.removeEventListener?.(type, look);
  };
}

/** `running`, which is also asked again on such events while the page is visible. */
export function attentive(running: RunningSource, sink: SourceSink, page: Page): RunningSource {
  const pollNow = (): void => (running.pollNow ? running.pollNow() : running.burst());
  const end = onAttention(page, () => {
    sink.checkJump?.();
    if (!isVisible(page)) return;
    if (sink.bounded === false) running.burst();
    else pollNow();
  });
  return {
    pollIntervalMs: running.pollIntervalMs,
    burst: () => running.burst(),
    pollNow,
    discardInFlight: () => running.discardInFlight(),
    stop: () => {
      end();
      running.stop();
    },
  };
}
