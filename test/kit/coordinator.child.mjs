/**
 * A coordinator process: the documented example on a bounded clock of its own. It does what its
 * parent asks over IPC; see coordinator-process.ts.
 */
import { BoundedClock, HybridClock } from '../../dist/index.js';
import { ntp } from '../../dist/node.js';
import { unixNsFromMs } from '../../dist/time.js';

const { nodeId, servers, shards } = JSON.parse(process.argv[2]);
const clock = BoundedClock.start({
  hostClock: 'free-running',
  sources: servers.map(({ address, port }) => ntp(address, { port, pollIntervalMs: 1000 })),
});
const clocks = {
  bounded: new HybridClock({ clock, nodeId }),
  // Many systems take their timestamps from the wall clock.
  wall: new HybridClock({ clock: { wallNs: () => unixNsFromMs(Date.now()) }, nodeId }),
};
let coordinator;

const operations = {
  synced: () => clock.waitSynced({ timeoutMs: 60_000 }),
  interval() {
    const { earliest, latest } = clock.now();
    return { earliest, latest };
  },
  /** Checks the wall clock for a jump. A clock that finds one has no bound for a while. */
  status: () => clock.read().status,
  /** Uses the example in `module` from now on. */
  async use({ module, hlc }) {
    const { Coordinator } = await import(module);
    await coordinator?.[Symbol.asyncDispose]();
    coordinator = new Coordinator({ clock, hlc: clocks[hlc], shards });
  },
  transfer: (changes) => coordinator.transfer(changes),
  /** A snapshot of everything that has returned by now. */
  async read(query) {
    const timestamp = clock.now().latest;
    return { timestamp, shards: await coordinator.readAt(timestamp, query) };
  },
  recover: (dead) => coordinator.recover(dead),
};

process.on('message', async ({ id, operation, argument }) => {
  try {
    process.send({ id, value: await operations[operation](argument) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
