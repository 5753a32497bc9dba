import { describe, expect, it } from 'vitest';
import { LocalNow } from '../../src/bound/local-now.ts';
import { asMonotonicNs } from '../../src/time/instant.ts';

const ORIGIN = 10n ** 15n;
/** Past the limit of 2^51 ns, where the base moves. */
const FAR = 2 ** 51 + 1000;

/** A present that has just begun, at the monotonic reading `ORIGIN`. */
function begun(): LocalNow {
  const local = new LocalNow(0.0002);
  local.advanceTo(asMonotonicNs(ORIGIN));
  return local;
}

describe('the present', () => {
  it('counts from the first reading and never goes back', () => {
    const local = begun();
    expect([local.base, local.now]).toEqual([ORIGIN, 0]);
    local.advanceTo(asMonotonicNs(ORIGIN + 500n));
    local.advanceTo(asMonotonicNs(ORIGIN + 400n));
    expect(local.now).toBe(500);
  });

  it('becomes the base when it is far away, and all remembered instants move with it', () => {
    const local = begun();
    const own = local.instants.one(7);
    const never = local.instants.one(Number.NEGATIVE_INFINITY);
    const group = local.newGroup();
    const inGroup = group.one(8);
    const list = group.list(2).fill(9);
    local.advanceTo(asMonotonicNs(ORIGIN + BigInt(FAR)));
    expect([local.base, local.now]).toEqual([ORIGIN + BigInt(FAR), 0]);
    const moved = [own.ns, inGroup.ns, ...list];
    expect(moved.map((ns) => local.toMonotonic(ns) - ORIGIN)).toEqual([7n, 8n, 9n, 9n]);
    expect(never.ns).toBe(Number.NEGATIVE_INFINITY);
  });

  it('no longer holds the instants of a group that was released', () => {
    const local = begun();
    const group = local.newGroup();
    const instant = group.one(7);
    local.release(group);
    local.advanceTo(asMonotonicNs(ORIGIN + BigInt(FAR)));
    expect(instant.ns).toBe(7);
  });
});
