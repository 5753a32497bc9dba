/**
 * A writer and a reader on one machine: two clocks that are moved together, and a real file.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import { ERA } from '../../src/bounded-clock/page/page.ts';
import { waitUntilAfter } from '../../src/commit-wait/wait-until-after.ts';
import { HostClock } from '../../src/host-page/host-clock.ts';
import { HostClockPublisher } from '../../src/host-page/host-clock-publisher.ts';
import { HybridClock } from '../../src/logical/hybrid-clock.ts';
import { metricsText } from '../../src/metrics/metrics-text.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { asUnixNs } from '../../src/time/instant.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

const MS = 1_000_000n;
const SECOND = 1000n * MS;

let directory: string;
let path: string;
const ends: (() => unknown)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'host-clock-'));
  path = join(directory, 'clock');
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(directory, { recursive: true, force: true });
});

/** A process that publishes, on a machine whose clocks read as `like`'s do. */
async function writer(like?: HandClock, options: { readonly expireAfterMs?: number } = {}) {
  const clock = new HandClock();
  if (like !== undefined) Object.assign(clock, readings(like));
  const source = new ScriptedSource('s');
  const bounded = BoundedClock.start({ sources: [source], clock, ...options });
  const publisher = await HostClockPublisher.start({ clock: bounded, path });
  ends.push(
    () => publisher.stop(),
    () => bounded.stop(),
  );
  const theta = clock.wallOffset;
  const reply = (by = 0n, delay = 2n * MS): void =>
    source.reply(clock, { theta: theta + by, delay });
  return { clock, source, bounded, publisher, theta, reply };
}

const readings = ({ monotonic, wallOffset, bootOffset }: HandClock) => ({
  monotonic,
  wallOffset,
  bootOffset,
});

/** A process that reads, on the machine of `w`. */
async function reader(w: { readonly clock: HandClock }) {
  const clock = new HandClock();
  Object.assign(clock, readings(w.clock));
  const host = await HostClock.open({ path, clock });
  ends.push(() => host.close());
  return { clock, host };
}

/** Time passes for all processes of a machine, a tenth of a second at a time. */
function pass(ns: bigint, ...clocks: HandClock[]): void {
  for (let left = ns; left > 0n; left -= 100n * MS) {
    for (const clock of clocks) clock.advance(left < 100n * MS ? left : 100n * MS);
  }
}

const suspend = (ns: bigint, ...clocks: HandClock[]): void => {
  for (const clock of clocks) clock.suspend(ns);
};

/** The boot clock is read last, and the monotonic clock once more in its bracket. */
function afterNextCheck(clock: HandClock, jump: () => void): void {
  let readsSince = -1;
  clock.onRead = (which) => {
    if (which === 'boot') readsSince = 0;
    else if (readsSince >= 0 && ++readsSince === 2) jump();
  };
}

/** True time is where the writer's source has it, on the clock that stands still in no test. */
const holds = (host: HostClock, truth: bigint): boolean => {
  const { earliest, latest } = host.now();
  return earliest <= truth && truth <= latest;
};

describe('a reading', () => {
  it('is that of the writer, for as long as it lives and longer', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    expect(r.host.now()).toEqual(w.bounded.now());
    expect(r.host.read()).toEqual(w.bounded.read());
    pass(20n * SECOND, w.clock, r.clock);
    expect(r.host.read()).toEqual(w.bounded.read());
    // The writer is killed: the bound grows, and ends when it would have ended there.
    w.clock.kill();
    pass(60n * SECOND, r.clock);
    expect(r.host.read().status).toBe('holdover');
    expect(r.host.explain().advice.join()).toContain('has gone, or hangs');
    expect(holds(r.host, r.clock.monotonic + w.theta)).toBe(true);
    r.clock.pause(24n * 3600n * SECOND);
    expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'expired' });
  });

  it('serves whatever takes a reader: hybrid clocks, waits, metrics', async () => {
    const w = await writer();
    w.reply();
    const { clock, host } = await reader(w);
    const hlc = new HybridClock({ clock: host, nodeId: 'n' });
    const waited = waitUntilAfter(host, asUnixNs(host.now().latest));
    let done = false;
    void waited.then(() => {
      done = true;
    });
    await clock.elapse(1);
    expect([hlc.now() > 0n, done]).toEqual([true, false]);
    await clock.elapse(5);
    await waited;
    expect(metricsText({ clock: host })).toMatch(/epsilon_clock_status\{status="synchronized"\} 1/);
    expect(String(host)).toMatch(/^HostClock \{ synchronized .* ± /);
  });

  it('tells metrics how old the page in force is', async () => {
    const age = (of: HostClock): string | undefined =>
      /^epsilon_clock_publication_age_seconds (.*)$/m.exec(metricsText({ clock: of }))?.[1];
    const early = new HandClock();
    const host = await HostClock.open({ path, clock: early });
    ends.push(() => host.close());
    expect(age(host)).toBeUndefined();
    const w = await writer(early);
    w.reply();
    pass(300n * MS, w.clock, early);
    w.clock.kill();
    pass(20n * SECOND, early);
    expect(age(host)).toBe('20.3');
    expect(host.explain().writtenAgoNs).toBe(20_300n * MS);
  });

  it('ends what waits for it when the bound of a dead writer ends', async () => {
    const w = await writer(undefined, { expireAfterMs: 10_000 });
    w.reply();
    const { clock, host } = await reader(w);
    w.clock.kill();
    const later = asUnixNs(host.now().latest + 60n * SECOND);
    const ended: unknown[] = [];
    waitUntilAfter(host, later, { maxWaitMs: Infinity }).catch((error) => ended.push(error.code));
    await clock.elapse(9_900);
    expect(ended).toEqual([]);
    await clock.elapse(200);
    expect(ended).toEqual(['ERR_COMMIT_WAIT_INTERRUPTED']);
  });

  it('learns within a tenth of a second what the writer has learned', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    w.clock.advance(50n * MS);
    w.reply(0n, MS / 2n);
    r.clock.advance(50n * MS);
    expect(r.host.now()).not.toEqual(w.bounded.now());
    w.clock.advance(50n * MS);
    r.clock.advance(50n * MS);
    expect(r.host.now()).toEqual(w.bounded.now());
  });

  it('has no bound when what the writer knew is refuted', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    pass(SECOND, w.clock, r.clock);
    w.reply(10n * SECOND);
    pass(100n * MS, w.clock, r.clock);
    expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'contradiction' });
    w.reply(10n * SECOND);
    pass(100n * MS, w.clock, r.clock);
    expect(r.host.read()).toEqual(w.bounded.read());
    expect(holds(r.host, r.clock.monotonic + w.theta + 10n * SECOND)).toBe(true);
  });

  it('does not go back to an older page of the same writer', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    pass(SECOND, w.clock, r.clock);
    const before = readFileSync(path);
    w.reply(10n * SECOND);
    pass(100n * MS, w.clock, r.clock);
    expect(r.host.tryNow()).toBeUndefined();
    writeFileSync(path, before);
    pass(100n * MS, r.clock);
    expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'contradiction' });
  });

  it('looks at the file first when the last look is old: the event loop was blocked', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    pass(SECOND, w.clock, r.clock);
    w.clock.advance(SECOND);
    w.reply(10n * SECOND);
    expect(w.bounded.tryNow()).toBeUndefined();
    r.clock.monotonic += SECOND; // and no timer fires
    expect(r.host.certainlyBefore(2n ** 62n)).toBe(false);
    expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'contradiction' });
  });
});

describe('a jump', () => {
  it('is seen by the reader itself, whose writer is dead', async () => {
    for (const jump of ['suspend', 'step'] as const) {
      const w = await writer();
      w.reply();
      const r = await reader(w);
      w.clock.kill();
      pass(60n * SECOND, r.clock);
      expect(r.host.read().status).toBe('holdover');
      if (jump === 'suspend') r.clock.suspend(5n * SECOND);
      else r.clock.wallOffset += 5n * SECOND;
      // At once by `read`, and a tenth of a second later by `now`.
      r.clock.advance(99n * MS);
      expect(r.host.tryNow()).toBeDefined();
      r.clock.advance(MS);
      expect(r.host.tryNow()).toBeUndefined();
      expect(r.host.read()).toEqual({ status: 'disrupted', reason: jump });
      pass(20n * SECOND, r.clock);
      expect(r.host.tryNow()).toBeUndefined();
      expect(r.host.explain().advice.join()).toContain('has gone, or hangs');
      await w.publisher.stop();
    }
  });

  it('is over once the writer has looked at the clocks twice', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    // What the reader sees next was published before the jump.
    w.clock.advance(50n * MS);
    w.reply();
    r.clock.advance(50n * MS);
    suspend(5n * SECOND, r.clock, w.clock);
    expect(r.host.read()).toEqual({ status: 'disrupted', reason: 'suspend' });
    // The writer has not looked yet: what it says is from before.
    pass(850n * MS, w.clock, r.clock);
    expect(w.bounded.tryNow()).toBeDefined();
    expect(r.host.tryNow()).toBeUndefined();
    pass(200n * MS, w.clock, r.clock);
    expect(r.host.read()).toEqual(w.bounded.read());
    w.reply(5n * SECOND);
    pass(100n * MS, w.clock, r.clock);
    expect(w.bounded.tryNow()).toBeDefined();
    expect(r.host.tryNow()).toBeUndefined();
    pass(SECOND, w.clock, r.clock);
    expect(r.host.read().status).toBe('synchronized');
    expect(holds(r.host, r.clock.monotonic + w.theta + 5n * SECOND)).toBe(true);
  });

  it('just after the writer has checked for one spoils what it publishes', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    afterNextCheck(w.clock, () => suspend(5n * SECOND, w.clock, r.clock));
    pass(SECOND, w.clock, r.clock);
    expect(w.bounded.tryNow()).toBeDefined(); // for a second, the writer is wrong itself
    for (let tenths = 0; tenths < 10; tenths++) {
      expect(r.host.tryNow()).toBeUndefined();
      pass(100n * MS, w.clock, r.clock);
    }
    expect(w.bounded.tryNow()).toBeUndefined();
  });

  it('just after the writer has checked for one, and died, shows to who begins then', async () => {
    const w = await writer();
    w.reply();
    let jumped = false;
    afterNextCheck(w.clock, () => {
      jumped = true;
      suspend(5n * SECOND, w.clock);
    });
    pass(SECOND, w.clock);
    w.clock.kill();
    expect(jumped).toBe(true);
    const r = await reader(w);
    expect(r.host.tryNow()).toBeUndefined();
    pass(10n * SECOND, r.clock);
    expect(r.host.tryNow()).toBeUndefined();
  });

  it('that only the boot clock shows is not over with a page of before it', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    w.clock.advance(50n * MS);
    w.reply(); // a page that the reader has not seen
    w.clock.kill();
    // It sleeps for a minute. In that time the wall clock alone may be slewed further than that.
    r.clock.monotonic += 60n * SECOND;
    suspend(40n * MS, r.clock);
    expect(r.host.read()).toEqual({ status: 'disrupted', reason: 'suspend' });
    pass(SECOND, r.clock);
    expect(r.host.read()).toEqual({ status: 'disrupted', reason: 'suspend' });
  });

  it('between the last look of the writer and the first of the reader is seen', async () => {
    const w = await writer();
    w.reply();
    w.clock.advance(SECOND);
    suspend(100n * MS, w.clock);
    const r = await reader(w);
    expect(r.host.tryNow()).toBeUndefined();
    expect(r.host.read()).toEqual({ status: 'disrupted', reason: 'step-or-suspend' });
  });

  it('may have gone unseen while the page lay there: it is not taken up', async () => {
    const w = await writer();
    w.reply();
    w.clock.kill();
    w.clock.advance(3n * SECOND);
    const r = await reader(w);
    expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'starting' });
    expect(r.host.explain()).toMatchObject({ refused: 'stale', taken: 0 });
  });
});

describe('another writer', () => {
  it('is taken up, and begins an era', async () => {
    const first = await writer();
    first.reply();
    const r = await reader(first);
    const passed = asUnixNs(r.host.now().earliest - 1n);
    await first.publisher.stop();
    first.bounded.stop();
    pass(SECOND, r.clock);
    expect(r.host.read().status).toBe('synchronized');
    // It knows nothing yet: the old bound goes on.
    const second = await writer(r.clock);
    pass(SECOND, second.clock, r.clock);
    expect(r.host.after(passed)).toBe(true);
    second.reply(-3600n * SECOND);
    pass(100n * MS, second.clock, r.clock);
    expect(r.host.now()).toEqual(second.bounded.now());
    expect(r.host.after(passed)).toBe(false);
    expect(r.host.explain().writerPid).toBe(process.pid);
  });

  it('that has heard nothing leaves the middle, after the bound has ended too', async () => {
    const first = await writer();
    first.reply();
    const r = await reader(first);
    r.clock.suspend(5n * SECOND);
    first.clock.kill();
    await first.publisher.stop();
    pass(100n * MS, r.clock);
    const before = r.host.physicalNs();
    const second = await writer(r.clock);
    pass(100n * MS, second.clock, r.clock);
    expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'starting' });
    expect(r.host.physicalNs()).toBe(before + 100n * MS);
  });

  it('that is disrupted, or stopped for those who come now, has no bound', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    await w.publisher.stop();
    const late = await reader(w);
    expect(late.host.read()).toEqual({ status: 'unsynchronized', reason: 'stopped' });
    expect(r.host.read().status).toBe('synchronized');
  });

  it('that stops does not hide what it has found against its bound', async () => {
    for (const stopClockFirst of [false, true]) {
      const w = await writer();
      w.reply();
      const r = await reader(w);
      pass(SECOND, w.clock, r.clock);
      w.reply(10n * SECOND);
      if (stopClockFirst) w.bounded.stop();
      await w.publisher.stop();
      expect(r.host.tryNow()).toBeDefined();
      pass(100n * MS, r.clock);
      expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'contradiction' });
    }
  });

  it('that stops does not hide that it had begun an era', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    pass(SECOND, w.clock, r.clock);
    w.reply(10n * SECOND);
    w.reply(10n * SECOND);
    expect(w.bounded.tryNow()).toBeDefined();
    await w.publisher.stop();
    pass(100n * MS, r.clock);
    expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'stopped' });
  });

  it('that knows nothing does not hide what the one before it found, from who slept', async () => {
    const finds = ['a refutation', 'an era', 'a jump'] as const;
    for (const [find, between] of finds.flatMap((each) => [
      [each, 0] as const,
      [each, 2] as const,
    ])) {
      const first = await writer();
      first.reply();
      const r = await reader(first);
      pass(SECOND, first.clock, r.clock);
      if (find === 'a jump') {
        first.clock.suspend(5n * SECOND);
        first.bounded.read();
      } else {
        first.reply(10n * SECOND);
        if (find !== 'a refutation') first.reply(10n * SECOND);
      }
      expect(first.bounded.tryNow() === undefined).toBe(/jump|refutation/.test(find));
      await first.publisher.stop();
      // One that knows nothing learns of it from the one before it.
      for (let i = 0; i < between; i++) await (await writer(r.clock)).publisher.stop();
      const last = await writer(r.clock);
      expect(r.host.tryNow()).toBeDefined();
      pass(100n * MS, r.clock);
      expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'starting' });
      await last.publisher.stop();
    }
  });

  it('that knows nothing lets the bound stand, through others that learned nothing', async () => {
    const first = await writer();
    first.reply();
    const r = await reader(first);
    pass(SECOND, first.clock, r.clock);
    await first.publisher.stop();
    for (const _ of [1, 2, 3]) {
      const next = await writer(r.clock);
      pass(SECOND, next.clock, r.clock);
      expect(r.host.read().status).toBe('synchronized');
      await next.publisher.stop();
    }
  });

  it('lets the bound stand when one came and went unseen, which had a bound too', async () => {
    const first = await writer();
    first.reply();
    const r = await reader(first);
    await first.publisher.stop();
    const unseen = await writer(r.clock);
    unseen.reply();
    await unseen.publisher.stop();
    const last = await writer(r.clock);
    pass(SECOND, last.clock, r.clock);
    expect(r.host.read().status).toBe('synchronized');
    await last.publisher.stop();
  });

  it('that began an era without a gap in its bound is not hidden by the next one', async () => {
    const clock = new TestClock();
    const copy = clock.copyPage.bind(clock);
    let era = 0n;
    clock.copyPage = (into) => {
      copy(into);
      into[ERA] = era;
    };
    const first = await HostClockPublisher.start({ clock, path });
    const host = await HostClock.open({ path, clock: clock.localClock });
    ends.push(() => host.close());
    era = 1n;
    clock.setUncertainty(3);
    await first.stop();
    const unsynchronized = new TestClock({ synchronized: false });
    const next = await HostClockPublisher.start({ clock: unsynchronized, path });
    expect(host.tryNow()).toBeDefined();
    await clock.advance(200);
    expect(host.tryNow()).toBeUndefined();
    await next.stop();
  });

  it('that has its bound before it publishes lets the bound stand, if it never lost it', async () => {
    const first = await writer();
    first.reply();
    const r = await reader(first);
    await first.publisher.stop();
    const again = await HostClockPublisher.start({ clock: first.bounded, path });
    await again.stop();
    pass(100n * MS, r.clock);
    expect(r.host.read().status).toBe('synchronized');
  });

  it('that does not know what was there leaves no bound standing', async () => {
    for (const spoil of [() => rmSync(path), () => writeFileSync(path, '')]) {
      const first = await writer();
      first.reply();
      const r = await reader(first);
      await first.publisher.stop();
      spoil();
      const next = await writer(r.clock);
      pass(100n * MS, next.clock, r.clock);
      expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'starting' });
      await next.publisher.stop();
    }
  });

  it('that has found something against all bounds says so for good, also when it ends', async () => {
    const first = await writer();
    first.reply();
    const r = await reader(first);
    pass(SECOND, first.clock, r.clock);
    await first.publisher.stop();
    const next = await writer(r.clock);
    next.clock.suspend(5n * SECOND);
    next.bounded.read();
    next.bounded.stop();
    await next.publisher.stop();
    const last = await writer(r.clock);
    pass(100n * MS, r.clock);
    expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'starting' });
    await last.publisher.stop();
  });

  it('over a clock that had a bound and lost it lets nothing stand', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    pass(SECOND, w.clock, r.clock);
    await w.publisher.stop();
    w.reply(10n * SECOND); // found while nobody publishes
    w.bounded.stop();
    const again = await HostClockPublisher.start({ clock: w.bounded, path });
    pass(100n * MS, r.clock);
    expect(r.host.read()).toEqual({ status: 'unsynchronized', reason: 'stopped' });
    await again.stop();
  });

  it('cannot start while the first one lives', async () => {
    const w = await writer();
    await expect(writer()).rejects.toMatchObject({
      code: 'ERR_HOST_CLOCK_REFUSED',
      reason: 'in-use',
    });
    await w.publisher.stop();
    await expect(writer()).resolves.toBeDefined();
  });
});

describe('a reader that starts first', () => {
  it('waits for a writer', async () => {
    const clock = new HandClock();
    const host = await HostClock.open({ path, clock });
    ends.push(() => host.close());
    let synced = false;
    void host.waitSynced({ timeoutMs: 60_000 }).then(() => {
      synced = true;
    });
    await clock.elapse(1000);
    expect(host.explain()).toMatchObject({ refused: 'missing', writerPid: undefined });
    const w = await writer(clock);
    w.reply();
    expect(synced).toBe(false);
    await clock.elapse(100);
    expect(synced).toBe(true);
    expect(host.read().status).toBe('synchronized');
  });

  it('says what is missing when it gives up', async () => {
    const clock = new HandClock();
    const host = await HostClock.open({ path, clock });
    const waiting = host.waitSynced({ timeoutMs: 1000 });
    const said = expect(waiting).rejects.toThrow(/starting.*no file/);
    await clock.elapse(2000);
    await said;
    await host.close();
    await expect(host.waitSynced()).rejects.toMatchObject({ reason: 'stopped' });
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });
});

describe('a page is refused', () => {
  const refusal = async (reason: string): Promise<void> => {
    await expect(HostClock.open({ path, clock: new HandClock() })).rejects.toMatchObject({
      code: 'ERR_HOST_CLOCK_REFUSED',
      path,
      reason,
    });
  };
  /** Changes int64 values in the only copy of a page, and its checksum with it. */
  const forge = async (at: number, value: bigint): Promise<void> => {
    const w = await writer();
    await w.publisher.stop();
    const { forged } = await import('./forged-page.ts');
    writeFileSync(path, forged(readFileSync(path), at, value));
  };

  it('of another boot, time namespace or clock', async () => {
    await forge(1, 1n);
    await refusal('other-boot');
    await forge(3, 1n);
    await refusal('other-time-namespace');
    const w = await writer();
    w.clock.advance(3600n * SECOND);
    w.reply();
    await refusal('other-clock');
  });

  it('of another process, where each has a clock of its own', async () => {
    await forge(4, BigInt(process.pid + 1));
    const host = await HostClock.open({ path, clock: new HandClock() });
    await host.close();
    const versions = Object.getOwnPropertyDescriptor(process, 'versions')!;
    for (const runtime of ['deno', 'bun']) {
      Object.defineProperty(process, 'versions', {
        ...versions,
        value: { ...process.versions, [runtime]: '1.0.0' },
      });
      try {
        await refusal('other-clock');
      } finally {
        Object.defineProperty(process, 'versions', versions);
      }
    }
  });

  it('behind a symbolic link, or that is no file', async () => {
    const w = await writer();
    const link = join(directory, 'link');
    symlinkSync(w.publisher.path, link);
    path = link;
    await refusal('symbolic-link');
    path = join(directory, 'directory');
    mkdirSync(path);
    await refusal('not-a-file');
  });

  it('of another layout, or torn', async () => {
    writeFileSync(path, 'hello, world, and all that is in it');
    await refusal('layout');
    rmSync(path);
    const w = await writer();
    const bytes = readFileSync(path);
    bytes.fill(7, 40);
    await w.publisher.stop();
    writeFileSync(path, bytes);
    await refusal('torn');
  });

  it('that others may write', async () => {
    await writer();
    chmodSync(path, 0o664);
    await refusal('writable');
    chmodSync(path, 0o644);
    chmodSync(directory, 0o777);
    await refusal('writable');
  });

  it('later, and what was taken up ages on', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    chmodSync(path, 0o666);
    pass(SECOND, w.clock, r.clock);
    expect(r.host.read().status).toBe('synchronized');
    const { refused, advice } = r.host.explain();
    expect(refused).toBe('writable');
    expect(advice.join()).toContain('others may write it');
    chmodSync(path, 0o644);
    chmodSync(directory, 0o777);
    rmSync(path);
    writeFileSync(path, ''); // another file, so that the way to it is looked at again
    pass(100n * MS, w.clock, r.clock);
    expect(r.host.explain().advice.join()).toContain(`others may write ${directory}`);
    chmodSync(directory, 0o755);
    rmSync(path);
    pass(100n * MS, w.clock, r.clock);
    expect(r.host.explain().refused).toBe('missing');
    // The publisher finds its file unlinked, and makes another one.
    pass(2n * SECOND, w.clock, r.clock);
    expect(r.host.explain().refused).toBeUndefined();
    expect(r.host.now()).toEqual(w.bounded.now());
  });
});

describe('publishing', () => {
  it('goes on after a write that failed', async () => {
    const w = await writer();
    const troubles: (string | undefined)[] = [];
    w.publisher.onTrouble((trouble) => troubles.push((trouble as { code?: string })?.code));
    w.reply();
    rmSync(directory, { recursive: true });
    w.clock.advance(SECOND);
    expect(w.publisher.stats()).toMatchObject({ lastFailure: 'ENOENT' });
    w.clock.advance(SECOND);
    expect(w.publisher.stats().failed).toBeGreaterThan(1);
    expect(troubles).toEqual(['ENOENT']); // said once
    mkdirSync(directory, { mode: 0o755 });
    w.clock.advance(SECOND);
    expect(w.publisher.stats().lastFailure).toBeUndefined();
    expect(troubles).toEqual(['ENOENT', undefined]);
    const r = await reader(w);
    expect(r.host.now()).toEqual(w.bounded.now());
  });

  it('goes on after its file was moved, replaced or cut short', async () => {
    const w = await writer();
    w.reply();
    const r = await reader(w);
    for (const spoil of [
      () => renameSync(path, `${path}.old`),
      () => truncateSync(path),
      () => {
        writeFileSync(`${path}.other`, 'of something else');
        renameSync(`${path}.other`, path);
      },
    ]) {
      spoil();
      pass(100n * MS, r.clock, w.clock);
      expect(r.host.explain().refused).toBeDefined();
      pass(SECOND, w.clock, r.clock);
      expect(r.host.explain().refused).toBeUndefined();
      expect(r.host.now()).toEqual(w.bounded.now());
    }
  });

  it('is refused where nobody would believe it, and leaves nothing behind', async () => {
    await (await writer()).publisher.stop();
    const before = readFileSync(path);
    chmodSync(directory, 0o777);
    await expect(writer()).rejects.toMatchObject({ reason: 'writable' });
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(directory)).not.toContain('clock.new');
    chmodSync(directory, 0o755);
    path = join(directory, 'missing', 'clock');
    await expect(writer()).rejects.toMatchObject({ reason: 'unwritable' });
  });

  it.runIf(process.platform !== 'win32')('has a lock that nobody else can take', async () => {
    symlinkSync(join(directory, 'elsewhere'), `${path}.lock`);
    await expect(writer()).rejects.toThrow(/cannot be written \(ELOOP: .*clock\.lock\)/);
    expect(existsSync(join(directory, 'elsewhere'))).toBe(false);
    rmSync(`${path}.lock`);
    await writer();
    expect(statSync(`${path}.lock`).mode & 0o777).toBe(0o600);
  });

  it('does not take the place of what is not a file, such as a device', async () => {
    for (const make of [() => mkdirSync(path), () => execFileSync('mkfifo', [path])]) {
      make();
      const before = lstatSync(path).ino;
      await expect(writer()).rejects.toMatchObject({ reason: 'not-a-file' });
      expect(lstatSync(path).ino).toBe(before);
      rmSync(path, { recursive: true });
    }
  });

  it('does not take the place of a file of something else, nor of a link', async () => {
    const notes = 'my notes';
    for (const at of [path, `${path}.new`]) {
      writeFileSync(at, notes);
      await expect(writer()).rejects.toMatchObject({
        code: 'ERR_HOST_CLOCK_REFUSED',
        reason: 'not-a-page',
        path: at,
        message: expect.stringMatching(/something else \(move it away, or publish elsewhere\)$/),
      });
      expect(readFileSync(at, 'utf8')).toBe(notes);
      renameSync(at, join(directory, 'notes'));
      symlinkSync(join(directory, 'notes'), at);
      await expect(writer()).rejects.toMatchObject({ reason: 'symbolic-link' });
      expect(lstatSync(at).isSymbolicLink()).toBe(true);
      rmSync(at);
    }
    expect(readFileSync(join(directory, 'notes'), 'utf8')).toBe(notes);
  });

  it('takes the place of an empty file, and of a page of any version, whole or not', async () => {
    await (await writer()).publisher.stop();
    const page = readFileSync(path);
    const other = Uint8Array.from(page).fill(9, 8); // all but the magic
    for (const content of ['', other, page.subarray(0, 8), page]) {
      for (const at of [path, `${path}.new`]) writeFileSync(at, content);
      const w = await writer();
      w.reply();
      const r = await reader(w);
      expect(r.host.now()).toEqual(w.bounded.now());
      expect(readdirSync(directory).sort()).toEqual(['clock', 'clock.lock']);
      await w.publisher.stop();
    }
  });

  it('takes the clock itself, and a test clock', async () => {
    const clock = new TestClock({ uncertaintyMs: 5 });
    const publisher = await HostClockPublisher.start({ clock, path });
    const host = await HostClock.open({ path, clock: clock.localClock });
    expect(host.now()).toEqual(clock.now());
    await host.close();
    await publisher.stop();
    const { bounded } = await writer();
    const attached = BoundedClock.attach(bounded.share(), { clock: new HandClock() });
    await expect(HostClockPublisher.start({ clock: attached, path })).rejects.toThrow(/clock must/);
  });

  it('keeps a relative path as it was when it was given', async () => {
    const absolute = path;
    path = relative(process.cwd(), path);
    const w = await writer();
    const r = await reader(w);
    expect([w.publisher.path, r.host.path]).toEqual([absolute, absolute]);
  });

  it('refuses bad options by name', async () => {
    const clock = new TestClock();
    for (const bad of [
      { clock, path: '' },
      { clock, path: 'a\0b' },
      { clock: {} as never, path },
      { clock, path, pth: 1 } as never,
    ]) {
      await expect(HostClockPublisher.start(bad)).rejects.toThrow(/path|clock|pth/);
    }
    await expect(HostClock.open({ path: 7 as never })).rejects.toThrow(/path/);
    await expect(HostClock.open({ path, clock: 1 as never })).rejects.toThrow(/clock/);
  });
});
