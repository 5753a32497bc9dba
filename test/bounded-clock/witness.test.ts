/**
 * A witness has no vote and never narrows the bound. Its last statement refutes a bound that it
 * certainly excludes, and for that time there is no answer.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedClock } from '../../src/bounded-clock/bounded-clock.ts';
import type { ClockEvent } from '../../src/bounded-clock/change-events.ts';
import type { BoundedClockOptions } from '../../src/bounded-clock/options.ts';
import { HandClock } from '../kit/hand-clock.ts';
import { ScriptedSource } from '../kit/scripted-source.ts';

const MS = 1_000_000n;
const SECOND = 1000n * MS;

/** Voters and one witness, which is right to a second, on a clock moved by hand. */
class Stage {
  readonly clock = new HandClock();
  readonly theta = this.clock.wallOffset;
  readonly voters: readonly ScriptedSource[];
  readonly witness = new ScriptedSource('w', 'witness');
  readonly bounded: BoundedClock;
  readonly events: ClockEvent[] = [];

  constructor(voters = 3, options: Partial<BoundedClockOptions> = {}) {
    this.voters = Array.from({ length: voters }, (_, i) => new ScriptedSource(`s${i}`));
    const sources = [...this.voters, this.witness];
    this.bounded = BoundedClock.start({ sources, clock: this.clock, ...options });
    this.bounded.onChange((event) => this.events.push(event));
  }

  /** Every voter replies now. */
  round(theta = this.theta): void {
    for (const voter of this.voters) voter.reply(this.clock, { theta });
  }

  testify(theta = this.theta, serverError = SECOND): void {
    this.witness.reply(this.clock, { theta, serverError });
  }

  get verdict(): string | undefined {
    return this.bounded.explain().witnesses[0]?.verdict;
  }
}

describe('what counts', () => {
  it.each([
    ['a clock of witnesses alone', [new ScriptedSource('w', 'witness')], {}, /not a witness/],
    [
      'a maxFaulty that only the witness would make possible',
      [new ScriptedSource('a'), new ScriptedSource('w', 'witness')].map((source) => ({
        ...source,
        maxEndpoints: 1,
        start: () => source,
      })),
      { maxFaulty: 1 },
      /maxFaulty must be less than 1/,
    ],
    [
      'a role that does not exist',
      [{ name: 'a', role: 'judge' as 'witness', start: () => new ScriptedSource('a') }],
      {},
      /sources\[0\].role/,
    ],
  ])('%s is refused', (_, sources, options, message) => {
    const start = (): unknown =>
      BoundedClock.start({ sources, clock: new HandClock(), ...options });
    expect(start).toThrow(message);
    expect(start).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }));
  });

  it('the witness is neither a voter nor waited for', () => {
    const s = new Stage(3);
    s.round();
    expect(s.bounded.read()).toMatchObject({ status: 'synchronized', quorum: 'full' });
    const { voters, maxFaulty, sources, witnesses } = s.bounded.explain();
    expect([voters, maxFaulty, sources.length]).toEqual([3, 1, 3]);
    expect(witnesses).toMatchObject([{ sourceId: 'w', verdict: 'pending', interval: undefined }]);
    s.testify();
    expect(s.bounded.explain()).toMatchObject({ voters: 3, maxFaulty: 1 });
  });

  it('`pollNow` asks the witness too, and does not wait for it', async () => {
    const s = new Stage(1);
    const { clock } = s;
    const waiting = s.bounded.pollNow();
    await clock.elapse(1);
    expect(s.witness.bursts).toBe(1);
    clock.advance(10n * MS);
    s.round();
    await expect(waiting).resolves.toMatchObject({ status: 'synchronized' });
  });

  it('it is explained: interval, misses and what its word rests on', () => {
    const s = new Stage(1);
    s.round();
    s.witness.miss('wrong-signature');
    expect(s.verdict).toBe('refused');
    s.witness.miss('timeout');
    expect(s.verdict).toBe('silent');
    s.testify();
    const [witness] = s.bounded.explain().witnesses;
    expect(witness).toMatchObject({ verdict: 'agrees', accepted: 1, lastServerErrorNs: SECOND });
    expect(witness?.misses).toEqual({ 'wrong-signature': 1, timeout: 1 });
    const { earliest, latest } = witness!.interval!;
    expect(latest - earliest).toBeGreaterThan(2n * SECOND);
    expect(s.events.map(({ type }) => type)).toEqual(['status']);
  });
});

describe('a contradiction', () => {
  it('refutes A0: no interval, a reason, an event, and advice that says how far', () => {
    const s = new Stage();
    s.round();
    s.testify(s.theta + 5n * SECOND);
    expect(s.bounded.read()).toEqual({ status: 'unsynchronized', reason: 'witness' });
    expect(() => s.bounded.now()).toThrow('unsynchronized (witness)');
    expect(s.events).toMatchObject([
      { type: 'status', status: 'synchronized' },
      { type: 'refuted', assumption: 'A0', status: 'unsynchronized' },
      { type: 'status', status: 'unsynchronized', reason: 'witness' },
    ]);
    expect(s.verdict).toBe('contradicts');
    const [advice] = s.bounded.explain().advice;
    expect(advice).toContain('w is at least 3998 ms ahead of s0');
    expect(advice).toContain('either more than 1 sources are wrong, or the witness is');
    expect(s.bounded.evidence()).toEqual([]); // it signed nothing
    for (const voter of s.voters) expect(voter.bursts).toBe(1);
  });

  it.each([
    ['ahead', 1n],
    ['behind', -1n],
  ])('%s of the bound, only when it is certain', (_, sign) => {
    const s = new Stage();
    s.round();
    // Each side: half of the 2 ms round trip, and the drift over it.
    s.testify(s.theta + sign * (SECOND + 2n * MS));
    expect(s.bounded.read().status).toBe('synchronized');
    s.testify(s.theta + sign * (SECOND + 3n * MS));
    expect(s.bounded.read().status).toBe('unsynchronized');
  });

  it('lasts while they contradict, whatever the sources say, and raises no drift bound', () => {
    const s = new Stage();
    s.round();
    s.testify(s.theta + 5n * SECOND);
    for (let i = 0; i < 100; i++) {
      s.clock.advance(SECOND);
      s.round();
      expect(s.bounded.read().status).toBe('unsynchronized');
    }
    expect(s.bounded.explain().maxDriftPpm).toBeCloseTo(200.04, 2);
    s.testify();
    s.round();
    expect(s.bounded.read().status).toBe('synchronized');
    expect(s.verdict).toBe('agrees');
  });

  it('sources that draw their endpoints from a larger set are told to draw others', () => {
    const s = new Stage();
    let draws = 0;
    for (const voter of s.voters) voter.redraw = () => draws++;
    s.round();
    s.testify(s.theta + 5n * SECOND);
    s.clock.advance(2n * SECOND);
    expect(draws).toBe(6);
  });

  it('refutes a bound that is built after it', () => {
    const s = new Stage();
    s.testify(s.theta - 5n * SECOND);
    expect(s.bounded.read()).toMatchObject({ reason: 'starting' });
    s.round();
    expect(s.bounded.read()).toMatchObject({ reason: 'witness' });
  });

  it.each([
    [200n, 'witness'],
    [250n, undefined],
  ])('its statement ages: 50 ms apart are certain after %d s or not', (seconds, reason) => {
    const s = new Stage(3, { hostClock: 'free-running', maxDriftPpm: 200 });
    s.testify(s.theta + SECOND + 50n * MS);
    s.clock.advance(seconds * SECOND);
    s.round();
    const reading = s.bounded.read();
    expect('reason' in reading ? reading.reason : undefined).toBe(reason);
  });

  it('a freeze that nothing shows: it objects first, falls silent, and the sources agree', () => {
    const s = new Stage(3);
    s.round();
    s.testify(s.theta + 10n * SECOND);
    const after = s.theta + 10n * SECOND;
    s.round(after);
    expect(s.bounded.read()).toMatchObject({ reason: 'witness' });
    s.witness.miss();
    s.round(after);
    expect(s.bounded.read().status).toBe('synchronized');
  });

  it('a miss does not end an objection that still holds', () => {
    const s = new Stage(3);
    s.round();
    s.testify(s.theta + 10n * SECOND);
    s.witness.miss();
    s.round();
    expect(s.bounded.read()).toMatchObject({ reason: 'witness' });
  });

  it('its objection does not age: only another statement ends it', () => {
    const s = new Stage(3, { hostClock: 'free-running', maxDriftPpm: 200 });
    s.testify(s.theta + SECOND + 50n * MS);
    s.round();
    s.clock.advance(1000n * SECOND);
    s.round();
    expect(s.bounded.read()).toMatchObject({ reason: 'witness' });
    s.testify(s.theta + SECOND);
    s.round();
    expect(s.bounded.read().status).toBe('synchronized');
  });

  it('ends when the witness has been silent for `expireAfterMs`', () => {
    const s = new Stage(3, { expireAfterMs: 10_000 });
    s.round();
    s.testify(s.theta + 5n * SECOND);
    s.clock.advance(9n * SECOND);
    s.round();
    expect(s.bounded.read()).toMatchObject({ reason: 'witness' });
    s.clock.advance(3n * SECOND);
    s.round();
    s.round();
    expect(s.bounded.read().status).toBe('synchronized');
  });

  it('ends when the witness is no longer listed', () => {
    const s = new Stage();
    s.round();
    s.testify(s.theta + 5n * SECOND);
    s.witness.sink.endpoints([]);
    s.round();
    s.round();
    expect(s.bounded.read().status).toBe('synchronized');
    expect(s.bounded.explain().witnesses).toEqual([]);
  });

  it('after a suspend, what the witness said before is void', () => {
    const s = new Stage();
    s.round();
    s.testify();
    s.clock.suspend(60n * SECOND);
    s.clock.advance(2n * SECOND);
    expect(s.bounded.read().status).toBe('disrupted');
    for (const voter of s.voters) voter.reply(s.clock, { theta: s.theta + 60n * SECOND });
    expect(s.bounded.read().status).toBe('synchronized');
  });

  it('while a source is suspected, the witness must exclude what that source says too', () => {
    const s = new Stage(3, { hostClock: 'free-running' });
    s.round();
    // This machine was frozen for 5 s and nothing shows it. One source says so, then the witness.
    s.voters[0]!.reply(s.clock, { theta: s.theta + 5n * SECOND });
    s.testify(s.theta + 5n * SECOND);
    expect(s.bounded.read().status).toBe('synchronized');
    s.testify(s.theta + 20n * SECOND);
    expect(s.bounded.read()).toMatchObject({ reason: 'witness' });
  });
});

/** What happens to two clocks alike. */
type Happening =
  | { readonly kind: 'sample'; readonly voter: number; readonly errorMs: number }
  | { readonly kind: 'miss'; readonly voter: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'witness'; readonly errorPerMille: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('sample' as const),
      voter: fc.nat(2),
      errorMs: fc.integer({ min: -3, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('miss' as const), voter: fc.nat(2) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 100_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'suspend' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('witness' as const),
      errorPerMille: fc.integer({ min: -900, max: 900 }),
    }),
  },
);

// A radius of 1 ms is less than the uncertainty of the bound, and must not narrow it all the same.
// Such a witness would object to liars, and rightly. So with it all sources are honest.
it.each([
  ['disciplined', 1, 2],
  ['free-running', 1, 2],
  ['disciplined', 1000, 3],
  ['free-running', 1000, 3],
] as const)(
  '%s: a witness to %d ms that contradicts nothing changes no reading, no event, no poll',
  (hostClock, radiusMs, worstErrorMs) => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (story) => {
        const clock = new HandClock();
        let theta = clock.wallOffset;
        const clocks = [true, false].map((heard) => {
          const voters = [0, 1, 2].map((i) => new ScriptedSource(`s${i}`));
          const witness = new ScriptedSource('w', 'witness');
          const sources = heard ? [...voters, witness] : voters;
          const bounded = BoundedClock.start({ sources, clock, hostClock });
          const events: ClockEvent[] = [];
          bounded.onChange((event) => events.push(event));
          return { voters, witness, bounded, events, heard };
        });
        for (const happened of story) {
          if (happened.kind === 'wait') clock.advance(BigInt(happened.ms) * MS);
          if (happened.kind === 'suspend') {
            clock.suspend(SECOND);
            theta += SECOND;
            clock.advance(SECOND);
          }
          for (const { voters, witness, heard } of clocks) {
            if (happened.kind === 'miss') voters[happened.voter]!.miss();
            if (happened.kind === 'sample') {
              const errorMs = Math.max(-worstErrorMs, Math.min(happened.errorMs, worstErrorMs));
              const said = theta + BigInt(errorMs) * MS;
              voters[happened.voter]!.reply(clock, { theta: said, serverError: 2n * MS });
            }
            if (happened.kind === 'witness' && heard) {
              const radius = BigInt(radiusMs) * MS;
              const said = theta + (BigInt(happened.errorPerMille) * radius) / 1000n;
              witness.reply(clock, { theta: said, serverError: radius });
            }
          }
          const [one, other] = clocks.map(({ bounded, voters, events }) => {
            const { witnesses: _, ...explained } = bounded.explain();
            const polled = voters.map(({ bursts, discards }) => [bursts, discards]);
            return JSON.stringify([bounded.read(), explained, polled, events], (__, value) =>
              typeof value === 'bigint' ? String(value) : value,
            );
          });
          expect(one).toBe(other);
        }
        for (const { bounded } of clocks) bounded.stop();
      }),
      { numRuns: 200 },
    );
  },
);
