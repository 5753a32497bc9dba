import { describe, expect, it } from 'vitest';
import { checkOptionNames } from '../../src/time/options.ts';

interface Options {
  readonly maxDriftPpm?: number | undefined;
  readonly maxFaulty?: number | undefined;
  readonly sources?: readonly string[] | undefined;
}

const NAMES: Record<keyof Options, true> = { maxDriftPpm: true, maxFaulty: true, sources: true };

const check = (options: object): Options => checkOptionNames(options as Options, NAMES);

describe('checkOptionNames', () => {
  it('lets known names pass, and unknown ones that are undefined', () => {
    const options = { maxDriftPpm: 5, sources: undefined, other: undefined };
    expect(check(options)).toBe(options);
  });

  it.each([
    ['maxDriftPPM', 'did you mean maxDriftPpm?'],
    ['maxdrift', 'did you mean maxDriftPpm?'],
    ['source', 'did you mean sources?'],
    ['maxFalty', 'did you mean maxFaulty?'],
    ['verbose', 'known are maxDriftPpm, maxFaulty, sources'],
    ['__proto_', 'known are maxDriftPpm, maxFaulty, sources'],
    ['x'.repeat(10_000), 'known are maxDriftPpm, maxFaulty, sources'],
  ])('refuses others and names the nearest: %s', (name, hint) => {
    expect(() => check({ maxFaulty: 1, [name]: 5 })).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_TYPE',
        message: `there is no option ${name} (${hint}): it must be left out; got 5`,
      }),
    );
  });

  it.each([undefined, null, 5, 'text'])('options that are no object: %s', (options) => {
    expect(() => check(options as unknown as object)).toThrow('options must be an object');
  });
});
