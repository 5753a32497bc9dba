/** One poller, on a transport that calls back when the test says so. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { MissDetails } from '../../../src/bounded-clock/time-source.ts';
import { Allowance } from '../../../src/sources/allowance.ts';
import { referenceIdOf } from '../../../src/sources/ntp/packet.ts';
import { Poller } from '../../../src/sources/ntp/poller.ts';
import { answerRequest, type NtpServerState } from '../../../src/sources/ntp/server.ts';
import type { NtpExchange } from '../../../src/sources/ntp/transport.ts';
import { asMonotonicNs, asUnixNs } from '../../../src/time/instant.ts';
import { HandClock } from '../../kit/hand-clock.ts';
import { RecordingSink } from '../../kit/recording-sink.ts';

const ID = 'ntp://10.0.0.7:123';
const INTERVAL_MS = 16_000;
const TIMEOUT_MS = 800;
const PREPARATION_MS = 300;
const START_NS = 10n ** 15n;

/** Keeps what it was told of when the exchange of a miss began. */
class Sink extends RecordingSink {
  readonly begun: (bigint | undefined)[] = [];

  override miss(sourceId: string, reason: string, details?: MissDetails): void {
    this.begun.push(details?.startedAt);
    super.miss(sourceId, reason, details);
  }
}

let clock: HandClock;
let sink: Sink;
let allowance: Allowance;
let exchanges: NtpExchange[];
let cancelled: number;
let outcomes: Poller[];
/** The top 53 bits decide the jitter. */
let random: bigint;

beforeEach(() => {
  clock = new HandClock({ monotonic: START_NS, monotonicGridNs: 1n });
  sink = new Sink(clock);
  allowance = new Allowance(INTERVAL_MS, 8000);
  exchanges = [];
  cancelled = 0;
  outcomes = [];
  random = 7n;
});

function poll(exchange: (given: NtpExchange) => unknown = () => () => cancelled++): Poller {
  return new Poller({
    sink,
    transport: {
      exchange: (given) => {
        exchanges.push(given);
        times.push(at());
        return exchange(given) as () => void;
      },
    },
    randomBits: () => random,
    endpoint: { address: '10.0.0.7', port: 123 },
    sourceId: ID,
    allowance,
    preparationMs: PREPARATION_MS,
    timeoutMs: TIMEOUT_MS,
    maxRootDistanceMs: 1500,
    onOutcome: (poller) => outcomes.push(poller),
  });
}

/** When the exchanges began, ms since the test did. */
let times: number[];
beforeEach(() => {
  times = [];
});

const at = (): number => Number(clock.monotonic - START_NS) / 1e6;
const last = (): NtpExchange => exchanges.at(-1)!;

/** The server answers the last request at once. Returns what the poller says of the datagram. */
function answer(state: Partial<NtpServerState> = {}, exchange: NtpExchange = last()): boolean {
  const now = clock.monotonicNs();
  return exchange.onDatagram(reply(exchange, state), now, now);
}

function reply({ request }: NtpExchange, state: Partial<NtpServerState> = {}): Uint8Array {
  const now = asUnixNs(clock.wallNs());
  return answerRequest(request, now, now, {
    leap: 0,
    stratum: 1,
    precision: -30,
    rootDelay: 0,
    rootDispersion: 0,
    referenceId: referenceIdOf('TEST'),
    referenceNs: now,
    ...state,
  })!;
}

const reasons = (): string[] => sink.misses.map(({ reason }) => reason);

/** Answers each poll of the burst at the start. The next one is that of the interval. */
async function afterBurst(): Promise<Poller> {
  const poller = poll();
  for (let i = 0; i < 4; i++) {
    await clock.elapse(i === 0 ? 0 : 1000);
    answer();
  }
  expect(times).toEqual([0, 1000, 2000, 3000]);
  return poller;
}

describe('what it knows of its server', () => {
  const states = (poller: Poller) => [poller.answering, poller.failing, poller.barren];

  test('answering: from a sample to the next miss', async () => {
    const poller = poll();
    expect(states(poller)).toEqual([false, false, false]);
    await clock.elapse(0);
    expect(poller.answering).toBe(false);
    answer();
    expect(states(poller)).toEqual([true, false, false]);
    await clock.elapse(1000);
    last().onFailure('timeout');
    expect(states(poller)).toEqual([false, false, false]);
    await clock.elapse(1000);
    answer();
    expect(states(poller)).toEqual([true, false, false]);
  });

  test('barren: asked, and never a sample; failing: after three misses in a row', async () => {
    const poller = poll();
    const seen: boolean[][] = [];
    for (let i = 0; i < 3; i++) {
      await clock.elapse(1000);
      last().onFailure('timeout');
      seen.push(states(poller));
    }
    expect(seen).toEqual([
      [false, false, true],
      [false, false, true],
      [false, true, true],
    ]);
  });

  test('denied: failing and barren at once', async () => {
    const poller = poll();
    await clock.elapse(0);
    expect(poller.denied).toBe(false);
    answer({ kiss: 'DENY' });
    expect(states(poller)).toEqual([false, true, true]);
    expect(poller.denied).toBe(true);
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });

  test('denied on an earlier visit: the same', () => {
    allowance.obey('DENY', clock.monotonicNs());
    expect(states(poll())).toEqual([false, true, true]);
  });

  test('unreachable: failing at once, and more so each time', async () => {
    const poller = await afterBurst();
    await clock.elapse(INTERVAL_MS);
    last().onFailure('unreachable');
    expect(states(poller)).toEqual([false, true, false]);
    // Four misses in a row by the next one: over the socket that hears only the server.
    expect(exchanges.map(({ anySender }) => anySender)).toEqual(Array(5).fill(false));
    await clock.elapse(INTERVAL_MS);
    expect(last().anySender).toBe(true);
    last().onFailure('unreachable');
    await clock.elapse(INTERVAL_MS);
    expect(last().anySender).toBe(false);
  });

  test.each(['out-of-descriptors', 'local-error'])('%s says nothing about it', async (failure) => {
    const poller = poll();
    for (let i = 0; i < 4; i++) {
      await clock.elapse(1000);
      last().onFailure(failure, { sent: false });
    }
    expect(states(poller)).toEqual([false, false, false]);
    expect(reasons()).toEqual(Array(4).fill(failure));
    // It cost nothing of the allowance.
    expect(allowance.isUntouched(clock.monotonicNs())).toBe(true);
    // One that was answered knows again what it knew.
    await clock.elapse(INTERVAL_MS);
    last().onFailure('timeout');
    expect(states(poller)).toEqual([false, false, true]);
  });

  test('the interval and the address', () => {
    const poller = poll();
    expect([poller.intervalMs, poller.address, poller.sourceId]).toEqual([
      INTERVAL_MS,
      '10.0.0.7',
      ID,
    ]);
    allowance.obey('RATE', clock.monotonicNs());
    expect(poller.intervalMs).toBe(2 * INTERVAL_MS);
  });
});

describe('the pace', () => {
  test('is drawn out by up to 8 %, in a burst, a retry and an interval', async () => {
    random = 2n ** 64n - 1n;
    sink.bounded = false;
    poll();
    for (let i = 0; i < 6; i++) {
      await clock.elapse(i === 0 ? 0 : i < 4 ? 1080 : 10_800);
      expect(times.length).toBe(i + 1);
      if (i < 5) last().onFailure('timeout');
      else answer();
    }
    await clock.elapse(17_279);
    expect(times.length).toBe(6);
    await clock.elapse(1);
    expect(times.map(Math.round)).toEqual([0, 1080, 2160, 3240, 14_040, 24_840, 42_120]);
  });

  test.each([
    // Whether there is a bound, how the last exchange ended, and when the next one is due.
    [false, 'timeout', 10_000],
    [false, 'local-error', 10_000],
    [false, undefined, INTERVAL_MS],
    [true, 'timeout', INTERVAL_MS],
    [undefined, 'timeout', INTERVAL_MS],
  ])('after a burst: bounded %s, %s: in %i ms', async (bounded, failure, ms) => {
    sink.bounded = bounded;
    poll();
    for (let i = 0; i < 4; i++) {
      await clock.elapse(i === 0 ? 0 : 1000);
      if (failure === undefined || i < 3) answer();
      else last().onFailure(failure);
    }
    await clock.elapse(ms - 1);
    expect(times.length).toBe(4);
    await clock.elapse(1);
    expect(times).toEqual([0, 1000, 2000, 3000, 3000 + ms]);
  });

  test('retries leave two requests in the allowance', async () => {
    // On a public server: one request more each 16 s.
    allowance = new Allowance(INTERVAL_MS, INTERVAL_MS);
    sink.bounded = false;
    poll();
    for (let second = 0; second < 600; second++) {
      const before = times.length;
      await clock.elapse(second === 0 ? 0 : 1000);
      if (times.length === before) continue;
      last().onFailure('timeout');
      const spaced = asMonotonicNs(clock.monotonic + 1_000_000_000n);
      expect(allowance.waitNs(spaced, 1), `after poll ${times.length}`).toBe(0n);
    }
    // Every 10 s at first; in the end the allowance decides.
    const gaps = times.map((time, i) => time - (times[i - 1] ?? 0));
    expect(gaps.slice(5, 12)).toEqual(Array(7).fill(10_000));
    expect(Math.max(...gaps.slice(30))).toBeGreaterThan(10_000);
  });

  test('waits for the allowance, which others may have used', async () => {
    for (let i = 0; i < 16; i++) allowance.take(clock.monotonicNs());
    poll();
    await clock.elapse(7999);
    expect(times).toEqual([]);
    await clock.elapse(1);
    expect(times).toEqual([8000]);
  });

  test('one timer at a time, in the background', async () => {
    const poller = poll();
    const one = { foreground: 0, background: 1 };
    expect(clock.pending()).toEqual(one);
    poller.burst();
    expect(clock.pending()).toEqual(one);
    await clock.elapse(0);
    // The watchdog.
    expect(clock.pending()).toEqual(one);
    answer();
    poller.burst();
    poller.pollNow();
    expect(clock.pending()).toEqual(one);
    poller.stop();
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });
});

describe('asked for more', () => {
  test('a burst is four polls, counted anew each time', async () => {
    const poller = await afterBurst();
    await clock.elapse(5000);
    poller.burst();
    for (let i = 0; i < 2; i++) {
      await clock.elapse(i === 0 ? 0 : 1000);
      answer();
    }
    poller.burst();
    for (let i = 0; i < 4; i++) {
      await clock.elapse(1000);
      answer();
    }
    await clock.elapse(5000);
    expect(times.slice(4)).toEqual([8000, 9000, 10_000, 11_000, 12_000, 13_000]);
  });

  test('pollNow is one poll, and cuts no burst short', async () => {
    const poller = poll();
    await clock.elapse(0);
    answer();
    poller.pollNow();
    for (let i = 0; i < 3; i++) {
      await clock.elapse(1000);
      answer();
    }
    await clock.elapse(5000);
    poller.pollNow();
    await clock.elapse(0);
    answer();
    await clock.elapse(5000);
    expect(times).toEqual([0, 1000, 2000, 3000, 8000]);
  });

  test('while an exchange is under way, the next one waits for it', async () => {
    const poller = await afterBurst();
    await clock.elapse(INTERVAL_MS);
    poller.pollNow();
    await clock.elapse(700);
    expect(times.length).toBe(5);
    answer();
    await clock.elapse(300);
    expect(times.slice(4)).toEqual([19_000, 20_000]);
  });

  test('of a server that may not be asked: a report, at most one a second', async () => {
    const poller = await afterBurst();
    allowance.obey('RATE', clock.monotonicNs());
    poller.burst();
    expect(reasons()).toEqual([]);
    expect(clock.pending().foreground).toBe(0);
    poller.pollNow();
    await clock.elapse(0);
    expect(reasons()).toEqual(['held-back']);
    poller.burst();
    await clock.elapse(999);
    poller.burst();
    expect(reasons()).toEqual(['held-back']);
    await clock.elapse(1);
    poller.burst();
    await clock.elapse(0);
    expect(reasons()).toEqual(['held-back', 'held-back']);
    expect(clock.pending().foreground).toBe(0);
    poller.stop();
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });

  test('a report that was due is not made after the end', async () => {
    const poller = await afterBurst();
    allowance.obey('DENY', clock.monotonicNs());
    poller.burst();
    poller.stop();
    await clock.elapse(5000);
    expect(reasons()).toEqual([]);
  });
});

describe('an exchange given up', () => {
  test('is cancelled and made again after a second; what it brings later is not heard', async () => {
    const poller = await afterBurst();
    await clock.elapse(INTERVAL_MS);
    const given = last();
    await clock.elapse(100);
    poller.discardInFlight();
    expect(cancelled).toBe(1);
    poller.discardInFlight();
    expect(cancelled).toBe(1);
    const told = sink.log.length;
    expect(answer({}, given)).toBe(true);
    given.onFailure('timeout');
    expect(sink.log.length).toBe(told);
    await clock.elapse(900);
    expect(times.slice(4)).toEqual([19_000, 20_000]);
    answer();
    await clock.elapse(INTERVAL_MS);
    expect(times.slice(6)).toEqual([36_000]);
  });

  test('in a burst costs one poll of it', async () => {
    const poller = poll();
    await clock.elapse(0);
    poller.discardInFlight();
    for (let i = 0; i < 3; i++) {
      await clock.elapse(1000);
      answer();
    }
    await clock.elapse(5000);
    expect(times).toEqual([0, 1000, 2000, 3000]);
  });

  test('at the end is cancelled, and nothing is heard or asked afterwards', async () => {
    const poller = poll();
    await clock.elapse(0);
    poller.stop();
    expect(cancelled).toBe(1);
    expect(answer()).toBe(true);
    last().onFailure('timeout');
    await clock.elapse(60_000);
    expect([sink.log, outcomes, times]).toEqual([[], [], [0]]);
    poller.stop();
    expect(cancelled).toBe(1);
  });

  test('while there is none, nothing changes', async () => {
    const poller = await afterBurst();
    poller.discardInFlight();
    await clock.elapse(INTERVAL_MS - 1);
    expect(times.length).toBe(4);
  });
});

describe('an answer', () => {
  test('ends the exchange: a sample, then the outcome', async () => {
    const poller = poll();
    await clock.elapse(0);
    expect(answer()).toBe(true);
    expect(sink.log).toEqual([`sample ${ID}`]);
    expect(outcomes).toEqual([poller]);
    // A second one is not wanted, and the watchdog is gone.
    expect(answer()).toBe(true);
    expect(sink.log.length).toBe(1);
    await clock.elapse(999);
    expect(clock.pending().background).toBe(1);
    expect(cancelled).toBe(0);
  });

  test.each<[Partial<NtpServerState>, string]>([
    [{ stratum: 16 }, 'stratum'],
    [{ kiss: 'RATE' }, 'kiss-rate'],
    [{ rootDispersion: 2 * 65_536 }, 'root-distance'],
  ])('%o is a miss: %s', async (state, reason) => {
    const poller = poll();
    await clock.elapse(0);
    expect(answer(state)).toBe(true);
    expect(reasons()).toEqual([reason]);
    expect(sink.begun).toEqual([START_NS]);
    expect(poller.barren).toBe(true);
    expect(outcomes).toEqual([poller]);
  });

  test('that says RATE ends the burst', async () => {
    poll();
    await clock.elapse(0);
    answer({ kiss: 'RATE' });
    await clock.elapse(2 * INTERVAL_MS - 1);
    expect(times).toEqual([0]);
    await clock.elapse(1);
    expect(times).toEqual([0, 2 * INTERVAL_MS]);
  });

  test('that rests on our own time is a loop; nobody asks that of a refused one', async () => {
    const heard: unknown[] = [];
    const hear = (...what: unknown[]) => heard.push(what) === 1;
    Object.assign(sink, { trail: { hear } });
    poll();
    await clock.elapse(0);
    answer({ referenceId: 0x0a00_0007 });
    await clock.elapse(1000);
    answer({ stratum: 16 });
    await clock.elapse(1000);
    answer();
    expect(sink.log).toEqual([`miss ${ID} loop`, `miss ${ID} stratum`, `sample ${ID}`]);
    expect(heard).toEqual([
      [ID, 0x0a00_0007, START_NS],
      [ID, referenceIdOf('TEST'), START_NS + 2_000_000_000n],
    ]);
  });

  test('that is none does not end the exchange; it is the reason if nothing better comes', async () => {
    poll();
    await clock.elapse(0);
    const now = clock.monotonicNs();
    const forged = reply(last());
    forged[24]! ^= 1; // the nonce
    expect(last().onDatagram(forged, now, now)).toBe(false);
    expect(sink.log).toEqual([]);
    last().onFailure('timeout');
    expect(reasons()).toEqual(['origin']);
    await clock.elapse(1000);
    expect(last().onDatagram(reply(last()), 5 as never, now)).toBe(false);
    expect(last().onDatagram(reply(last()), now, (2n ** 63n) as never)).toBe(false);
    expect(last().onDatagram('x' as never, now, now)).toBe(false);
    last().onFailure('timeout');
    expect(reasons()).toEqual(['origin', 'malformed']);
    // A failure that says more than "timeout" stands, and so does an answer.
    await clock.elapse(1000);
    last().onDatagram(new Uint8Array(3), now, now);
    last().onFailure('unreachable', { cause: 'EHOSTUNREACH' });
    await clock.elapse(1000);
    last().onDatagram(new Uint8Array(3), now, now);
    answer();
    expect(reasons()).toEqual(['origin', 'malformed', 'unreachable']);
    expect(sink.causes).toEqual([undefined, undefined, 'EHOSTUNREACH']);
    expect(sink.samples.length).toBe(1);
    expect(sink.begun).toEqual([0n, 1n, 2n].map((s) => START_NS + s * 1_000_000_000n));
  });

  test('later than the timeout is refused', async () => {
    poll();
    await clock.elapse(0);
    const sentAt = clock.monotonicNs();
    await clock.elapse(TIMEOUT_MS + 1);
    last().onDatagram(reply(last()), sentAt, clock.monotonicNs());
    await clock.elapse(1000);
    const again = clock.monotonicNs();
    await clock.elapse(TIMEOUT_MS);
    last().onDatagram(reply(last()), again, clock.monotonicNs());
    expect(sink.log).toEqual([`miss ${ID} late`, `sample ${ID}`]);
  });
});

describe('a failure', () => {
  test('ends the exchange once: a miss, then the outcome', async () => {
    const poller = poll();
    await clock.elapse(0);
    last().onFailure('timeout', { cause: 'c' });
    last().onFailure('unreachable');
    expect(sink.log).toEqual([`miss ${ID} timeout`]);
    expect(sink.causes).toEqual(['c']);
    expect(sink.begun).toEqual([START_NS]);
    expect(outcomes).toEqual([poller]);
    // It was sent, so the allowance has one less.
    expect(allowance.isUntouched(clock.monotonicNs())).toBe(false);
  });

  test('every second time of a silent server, everybody is heard', async () => {
    poll();
    for (let i = 0; i < 4; i++) {
      await clock.elapse(1000);
      last().onFailure('timeout');
    }
    expect(exchanges.map(({ anySender }) => anySender)).toEqual([false, true, false, true]);
  });

  test('to call back is noticed after preparation, timeout and a second', async () => {
    poll();
    await clock.elapse(0);
    expect(last().timeoutMs).toBe(TIMEOUT_MS);
    await clock.elapse(PREPARATION_MS + TIMEOUT_MS + 999);
    expect([cancelled, reasons()]).toEqual([0, []]);
    await clock.elapse(1);
    expect([cancelled, reasons()]).toEqual([1, ['timeout']]);
    // Not heard any more.
    expect(answer({}, exchanges[0])).toBe(true);
    expect(sink.samples).toEqual([]);
  });
});

describe('a transport that', () => {
  test('throws: a miss in the next turn, and the request was not sent', async () => {
    const poller = poll(() => {
      throw new Error('boom');
    });
    clock.advance(0n);
    expect(reasons()).toEqual([]);
    expect(clock.turns()).toEqual([]);
    expect(reasons()).toEqual(['local-error']);
    expect(sink.causes[0]).toContain('boom');
    expect(allowance.isUntouched(clock.monotonicNs())).toBe(true);
    poller.stop();
    expect(clock.pending()).toEqual({ foreground: 0, background: 0 });
  });

  test('throws, and is stopped before the next turn: no miss', () => {
    const poller = poll(() => {
      throw new Error('boom');
    });
    clock.advance(0n);
    poller.stop();
    expect([clock.turnsPending, clock.turns(), reasons()]).toEqual([0, [], []]);
  });

  test('is async works, and costs nothing of the allowance when it rejects', async () => {
    let reject: (error: Error) => void = () => {};
    poll(() => new Promise((_, no) => (reject = no)));
    await clock.elapse(0);
    answer();
    reject(new Error('late'));
    await clock.elapse(1000);
    expect(sink.log).toEqual([`sample ${ID}`]);
    reject(new Error('boom'));
    await clock.elapse(0);
    expect(sink.log.slice(1)).toEqual([`miss ${ID} local-error`]);
    expect(sink.causes[0]).toContain('boom');
    // The first one takes 8 s to come back.
    expect(allowance.isUntouched(asMonotonicNs(START_NS + 8_000_000_000n))).toBe(true);
  });

  test('calls back before it returns: what it holds is released', async () => {
    poll((given) => {
      given.onFailure('unreachable');
      return () => cancelled++;
    });
    await clock.elapse(0);
    expect([cancelled, reasons()]).toEqual([1, ['unreachable']]);
  });

  test('throws when it is cancelled: the next exchange comes all the same', async () => {
    const poller = poll(() => () => {
      throw new Error('boom');
    });
    await clock.elapse(0);
    poller.discardInFlight();
    await clock.elapse(1000);
    expect(times).toEqual([0, 1000]);
  });
});
