import { beforeEach, describe, expect, test } from 'vitest';
import { LocalNow } from '../../src/bound/local-now.ts';
import { newSourceState, type SourceState } from '../../src/bound/source-state.ts';
import { Suspicion } from '../../src/bound/suspicion.ts';

const SECOND = 1e9;
/** In this many ns theta moves by 1000 ns at 200 ppm. */
const PER_US = 5_000_000;

let local: LocalNow;
let suspicion: Suspicion;

beforeEach(() => {
  local = new LocalNow(0.0002);
  local.now = 1000 * SECOND;
  suspicion = new Suspicion(local);
});

/** A source that agrees, and was heard at `heardAt`. */
function agreeing(heardAt: number = local.now): SourceState {
  const source = newSourceState('a', local.instants);
  source.cone.known = true;
  source.agrees = true;
  source.lastHeard.ns = heardAt;
  return source;
}

/** One of them is suspected, and a moment later it and all others confirm the bound. */
function falseAlarm(sources: readonly SourceState[]): void {
  suspicion.raise(sources[0]!, { lo: 100, hi: 200 }, local);
  local.now += 1;
  for (const source of sources) source.lastHeard.ns = local.now;
  suspicion.settle(sources, 0, local);
  expect(suspicion.active).toBe(false);
}

describe('the hull of what the suspects said', () => {
  test('is what the first one said, whatever an earlier suspicion was about', () => {
    const sources = [agreeing(), agreeing()];
    falseAlarm(sources);
    local.now += 300 * SECOND;
    suspicion.raise(sources[1]!, { lo: 5000, hi: 6000 }, local);
    expect([suspicion.active, suspicion.lo, suspicion.hi]).toEqual([true, 5000, 6000]);
    expect([sources[0]!.suspect, sources[1]!.suspect]).toEqual([false, true]);
  });

  test('opens by the drift, and takes in what another suspect says', () => {
    suspicion.raise(agreeing(), { lo: 5000, hi: 6000 }, local);
    local.now += PER_US;
    suspicion.ageTo(local);
    expect([suspicion.lo, suspicion.hi]).toEqual([3999, 7001]);
    local.now += PER_US;
    suspicion.raise(agreeing(), { lo: 7000, hi: 9000 }, local);
    expect([suspicion.lo, suspicion.hi]).toEqual([2998, 9000]);
    suspicion.raise(agreeing(), { lo: -50, hi: -40 }, local);
    expect([suspicion.lo, suspicion.hi]).toEqual([-50, 9000]);
    suspicion.ageTo(local);
    expect([suspicion.lo, suspicion.hi]).toEqual([-50, 9000]);
  });

  test('is aged from when it was raised, also after the base of local time has moved', () => {
    suspicion.raise(agreeing(), { lo: 5000, hi: 6000 }, local);
    local.instants.moveBack(local.now);
    local.now = PER_US;
    suspicion.ageTo(local);
    expect([suspicion.lo, suspicion.hi]).toEqual([3999, 7001]);
  });
});

describe('it ends', () => {
  test.each([
    // Sources that overlap the bound and were heard since; how many may be wrong; the end?
    [1, 0, true],
    [1, 1, false],
    [2, 1, true],
    [2, 2, false],
  ])('when more than f were heard since: %i of them, f = %i', (confirming, faulty, ends) => {
    const suspect = agreeing();
    suspicion.raise(suspect, { lo: 100, hi: 200 }, local);
    suspect.agrees = false;
    const others = Array.from({ length: confirming }, () => agreeing(local.now + 1));
    suspicion.settle([suspect, ...others], faulty, local);
    expect([suspicion.active, suspect.suspect]).toEqual([!ends, !ends]);
  });

  test.each<[string, (source: SourceState) => void]>([
    ['was heard last when it was raised, not since', (source) => source.lastHeard.ns--],
    ['does not overlap the bound', (source) => (source.agrees = false)],
    ['has no data', (source) => source.cone.forget()],
  ])('not by a source that %s', (_, spoil) => {
    suspicion.raise(agreeing(), { lo: 100, hi: 200 }, local);
    const other = agreeing(local.now + 1);
    spoil(other);
    suspicion.settle([other], 0, local);
    expect(suspicion.active).toBe(true);
  });

  test('without a bound, and nobody is then blamed', () => {
    const suspect = agreeing();
    suspicion.raise(suspect, { lo: 100, hi: 200 }, local);
    suspicion.drop([suspect]);
    expect([suspicion.active, suspect.suspect, suspect.falseAlarms]).toEqual([false, false, 0]);
    expect(suspicion.mayRaise(suspect, local)).toBe(true);
  });
});

describe('a source may raise one', () => {
  test('while it agrees and is not suspected itself', () => {
    const source = agreeing();
    expect(suspicion.mayRaise(source, local)).toBe(true);
    source.suspect = true;
    expect(suspicion.mayRaise(source, local)).toBe(false);
    Object.assign(source, { suspect: false, agrees: false });
    expect(suspicion.mayRaise(source, local)).toBe(false);
  });

  test('after a false alarm only when 300 s have passed; the others at once', () => {
    const [source, other] = [agreeing(), agreeing()];
    falseAlarm([source, other]);
    expect([source.falseAlarms, other.falseAlarms]).toEqual([1, 0]);
    expect(suspicion.mayRaise(other, local)).toBe(true);
    local.now += 300 * SECOND - 1;
    expect(suspicion.mayRaise(source, local)).toBe(false);
    local.now += 1;
    expect(suspicion.mayRaise(source, local)).toBe(true);
  });

  test('after each further one twice as long, up to 2^10 times', () => {
    const source = agreeing();
    const pauses = Array.from({ length: 13 }, () => {
      falseAlarm([source]);
      const pause = (source.suspicionBlockedUntil.ns - local.now) / (300 * SECOND);
      local.now = source.suspicionBlockedUntil.ns;
      return pause;
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024]);
  });
});
