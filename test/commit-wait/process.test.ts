/**
 * The event loop of a real process: a wait keeps it alive, and after the wait the process may end.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const LIBRARY = new URL('../../dist/', import.meta.url).href;

/** A program with a bounded clock that one exchange without error has synchronised. */
const program = (body: string): string => `
  import { BoundedClock, waitUntilAfter } from '${LIBRARY}index.js';
  import { waitUntilAfterSync } from '${LIBRARY}threads.js';
  const source = {
    name: 's',
    start(sink) {
      queueMicrotask(() => {
        const receivedAt = sink.clock.monotonicNs();
        const theta = sink.clock.wallNs() - receivedAt;
        sink.sample({
          sourceId: 's', sentAt: receivedAt - 1000n, receivedAt, upperNs: theta + 500_000n,
          lowerNs: theta - 500_000n, pathDelayNs: 1000n, serverErrorNs: 500_000n, leap: 'none',
        });
      });
      return { pollIntervalMs: 64_000, burst() {}, discardInFlight() {}, stop() {} };
    },
  };
  const clock = BoundedClock.start({ sources: [source], hostClock: 'free-running' });
  await clock.waitSynced();
  const ahead = (ns) => clock.now().earliest + ns;
  ${body}`;

async function run(body: string): Promise<string> {
  const args = ['--input-type=module', '-e', program(body)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
  return stdout.trim();
}

// If the wait did not keep the loop alive, the process would end with status 13 and no output. If
// the loop were kept alive after the wait, the process would be killed.
test.each(['economy', 'precise'])('%s: the process lives as long as the wait', async (mode) => {
  const body = `
    const t = ahead(20_000_000n);
    await waitUntilAfter(clock, t, { mode: '${mode}', timeoutMs: 60_000 });
    console.log(clock.after(t));`;
  expect(await run(body)).toBe('true');
});

test('aborted, timed out, interrupted: nothing keeps the process', async () => {
  const body = `
    const far = ahead(8_000_000_000n);
    const controller = new AbortController();
    const ends = ['economy', 'precise'].flatMap((mode) => [
      waitUntilAfter(clock, far, { mode, signal: controller.signal }),
      waitUntilAfter(clock, far, { mode, timeoutMs: 1 }),
      waitUntilAfter(clock, far, { mode }),
    ]);
    const said = ends.map((end) => end.catch(({ code, name }) => code === 20 ? name : code));
    controller.abort();
    await Promise.all([said[1], said[4]]);
    clock.stop();
    console.log((await Promise.all(said)).join());`;
  const each = 'AbortError,ERR_COMMIT_WAIT_TIMEOUT,ERR_COMMIT_WAIT_INTERRUPTED';
  expect(await run(body)).toBe(`${each},${each}`);
});

test.each(['economy', 'precise'])('%s, blocked: the timestamp has passed', async (mode) => {
  const body = `
    const t = ahead(12_000_000n);
    waitUntilAfterSync(clock, t, { mode: '${mode}' });
    console.log(clock.after(t));`;
  expect(await run(body)).toBe('true');
});
