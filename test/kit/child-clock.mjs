/**
 * A process with bounded clocks of its own, running the built library, for tests that skew, stop or
 * start it. It does what its parent asks over IPC and reports every event; see child-clock.ts.
 */
import { BoundedClock } from '../../dist/index.js';
import { ntp } from '../../dist/node.js';

const clocks = new Map();

/** Sends a message. It is not an error when the parent no longer listens. */
const tell = (message) => process.send?.(message, () => {});

const operations = {
  start(name, { servers, pollIntervalMs, timeoutMs, ...options }) {
    const sources = servers.map(({ address, port }) =>
      ntp(address, { port, pollIntervalMs, timeoutMs }),
    );
    const clock = BoundedClock.start({ sources, ...options });
    clock.onChange((event) => tell({ clock: name, event }));
    clocks.set(name, clock);
  },
  synced: (name) => clocks.get(name).waitSynced({ timeoutMs: 60_000 }),
  read: (name) => clocks.get(name).read(),
  explain(name) {
    // A message cannot contain functions.
    const { toJSON, ...explanation } = clocks.get(name).explain();
    return explanation;
  },
};

process.on('message', async ({ id, operation, clock, argument }) => {
  try {
    tell({ id, value: await operations[operation](clock, argument) });
  } catch (error) {
    tell({ id, error: String(error) });
  }
});
// The parent ended, or no longer needs this process. An orderly exit lets libfaketime clean up.
process.on('disconnect', () => process.exit());
