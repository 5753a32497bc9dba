import { describe, expect, it } from 'vitest';
import { waitUntilAfter } from '../../src/commit-wait/wait-until-after.ts';
import { MS, NOTHING_LEFT, Stage, stateOf } from './stage.ts';

describe('release', () => {
  it('economy: by a timer, when earliest has passed the timestamp and not before', async () => {
    const s = new Stage();
    const t = s.ahead(3n * MS);
    const wait = waitUntilAfter(s.bounded, t);
    s.clock.advance(3n * MS);
    expect(await stateOf(wait)).toBe('pending');
    s.clock.advance(2n * MS);
    expect(s.earliest).toBeGreaterThan(t);
    expect(await stateOf(wait)).toEqual({ value: { waitedNs: 4n * MS } });
    expect(s.leftovers).toEqual(NOTHING_LEFT);
  });
});
