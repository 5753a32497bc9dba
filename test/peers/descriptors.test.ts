/**
 * A process without a free file descriptor. The operating system's time since boot is then known to
 * whole seconds only, which must not look like a suspend.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type ClockEvent, systemClock } from 'epsilon-clock';
import { NtpServer } from 'epsilon-clock/node';
import { expect, it } from 'vitest';

const CHILD = fileURLToPath(new URL('../kit/descriptors.child.mjs', import.meta.url));

it.runIf(process.platform === 'linux')(
  'a clock whose process runs out of descriptors keeps its bound, and says why it hears nothing',
  async () => {
    const server = await NtpServer.start({ clock: systemClock() });
    try {
      const script = 'ulimit -n 64; exec "$0" "$@"';
      const args = ['-c', script, process.execPath, CHILD, String(server.port)];
      const { stdout } = await promisify(execFile)('sh', args);
      const seen = JSON.parse(stdout);
      expect(seen).toMatchObject({ code: 'EMFILE', coarse: true, fine: true });
      expect(seen.misses['out-of-descriptors']).toBeGreaterThan(0);
      expect(seen.events.map(({ status }: ClockEvent) => status)).toEqual([
        'holdover',
        'synchronized',
      ]);
      expect(seen.statuses).toEqual(['synchronized', 'holdover']);
    } finally {
      await server.stop();
    }
  },
);
