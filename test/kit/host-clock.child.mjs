/**
 * A process that publishes a clock, or reads one; see test/peers/host-clock.test.ts.
 *
 * True time is the machine's monotonic clock and an offset that only the servers know: it is exact
 * in every process. No process finds it on its wall clock, which is another time altogether.
 */
import cluster from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import { BoundedClock, systemClock } from '../../dist/index.js';
import { HostClock, HostClockPublisher, NtpServer, ntp } from '../../dist/node.js';

const [role, path, offset, workers, expiry] = process.argv.slice(2);
const OFFSET = BigInt(offset ?? 0);
const tell = (message) => process.send(message);

/** Starts everything that publishes. Returns what ends it. */
async function publish(servers) {
  const sources = servers.map(({ address, port }) =>
    ntp(address, { port, pollIntervalMs: 100, force: true }),
  );
  const expireAfterMs = Number(expiry ?? 3_600_000);
  const clock = BoundedClock.start({ sources, hostClock: 'free-running', expireAfterMs });
  const publisher = await HostClockPublisher.start({ clock, path });
  await clock.waitSynced();
  return async () => {
    await publisher.stop();
    clock.stop();
  };
}

const roles = {
  /** Publishes, and starts its workers, as the primary of a cluster. */
  async writer() {
    const truth = Object.assign(Object.create(systemClock()), {
      wallNs: () => process.hrtime.bigint() + OFFSET,
      wallGridNs: 1000n,
    });
    const servers = await Promise.all([0, 1, 2].map(() => NtpServer.start({ clock: truth })));
    let stop = await publish(servers);
    cluster.setupPrimary({ args: ['reader', path, offset] });
    cluster.on('message', (_worker, message) => tell(message));
    for (let i = 0; i < Number(workers); i++) cluster.fork();
    process.on('message', async ({ restarts = 0 }) => {
      if (restarts === 0) for (const worker of Object.values(cluster.workers)) worker.send('end');
      for (let i = 0; i < restarts; i++) {
        await stop();
        stop = await publish(servers);
      }
      tell({ restarted: restarts });
    });
    tell('writing');
  },

  /** Reads until it is told to end, and judges each reading. */
  async reader() {
    const clock = await HostClock.open({ path });
    const target = new BigInt64Array(2);
    const counts = { readings: 0, wrong: 0, unbounded: 0, worstNs: 0, widestNs: 0, gaps: 0 };
    let ends = false;
    let bounded = true;
    process.on('message', () => {
      ends = true;
    });
    await clock.waitSynced({ timeoutMs: 60_000 });
    tell('reading');
    while (!ends) {
      for (let i = 0; i < 1000; i++) {
        const before = process.hrtime.bigint() + OFFSET;
        const answered = clock.tryReadInto(target);
        const after = process.hrtime.bigint() + OFFSET;
        if (bounded && !answered) counts.gaps++;
        bounded = answered;
        if (!answered) {
          counts.unbounded++;
          continue;
        }
        counts.readings++;
        const excluded = Number(target[0] > after ? target[0] - after : before - target[1]);
        if (excluded > 0) counts.wrong++;
        counts.worstNs = Math.max(counts.worstNs, excluded);
        counts.widestNs = Math.max(counts.widestNs, Number(target[1] - target[0]));
      }
      await delay(10);
    }
    const { reading } = clock.explain();
    tell({ ...counts, taken: clock.explain().taken, status: reading.status });
    await clock.close();
    process.disconnect();
  },

  /** Tries to open, and says what it was told. */
  async opener() {
    const refused = await HostClock.open({ path }).then(
      (clock) => clock.read().status,
      ({ code, reason }) => ({ code, reason }),
    );
    console.log(JSON.stringify(refused));
    process.exit();
  },

  /** Publishes once, where it is told to, and says what became of that. */
  async publisher() {
    const sources = [ntp('127.0.0.1', { port: 9 })];
    const clock = BoundedClock.start({ sources });
    const refused = await HostClockPublisher.start({ clock, path }).then(
      () => 'published',
      ({ code, reason, message }) => ({ code, reason, message }),
    );
    console.log(JSON.stringify(refused));
    process.exit();
  },
};

await roles[role]();
