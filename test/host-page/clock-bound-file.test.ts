/**
 * What a client that has the segment mapped may see while it is written: within one write any bytes
 * of it, in any order; between two writes the order of the writes.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { updateOf } from '../../src/host-page/clock-bound-file.ts';
import { parseSegment } from '../kit/clock-bound-client.ts';
import { segmentBytes } from '../kit/clock-bound-segment.ts';

const instant = fc.bigInt(0n, 2n ** 62n);
const fields = fc.record({
  asOf: instant,
  voidAfter: instant,
  boundNs: fc.bigInt(0n, 2n ** 62n),
  driftPpb: fc.bigInt(0n, 999_999_999n),
  status: fc.constantFrom(0, 1, 2, 3),
  marker: fc.option(fc.bigInt(0n, 2n ** 64n - 1n), { nil: undefined }),
});
/** Also those that change both bytes, and the last ones. */
const generation = fc.oneof(
  fc.integer({ min: 2, max: 0xffff }),
  fc.constantFrom(2, 0xfe, 0xff, 0x1fe, 0xfffe, 0xffff),
);

test('each state on the way with an even generation is the old segment or the new one', () => {
  fc.assert(
    fc.property(generation, fields, fc.infiniteStream(fc.nat()), (before, next, order) => {
      const bytes = segmentBytes({ asOf: 5n, voidAfter: 6n, generation: before });
      const old = Buffer.from(bytes);
      const update = updateOf(before, next);
      const target = Buffer.from(bytes);
      for (const write of update.writes) target.set(write.bytes, write.at);

      const states: Buffer[] = [];
      for (const write of update.writes) {
        const left = [...write.bytes.keys()];
        while (left.length > 0) {
          const [i] = left.splice(order.next().value! % left.length, 1);
          bytes[write.at + i!] = write.bytes[i!]!;
          states.push(Buffer.from(bytes));
        }
      }
      for (const state of states) {
        const seen = state.readUInt16LE(14);
        if (seen % 2 === 1) continue;
        const whole = seen === before ? old : target;
        expect(state.equals(whole)).toBe(true);
        expect([before, update.generation]).toContain(seen);
      }
      const { marker = 0n, ...rest } = next;
      expect(parseSegment(target)).toEqual({
        ...rest,
        marker,
        driftPpb: Number(next.driftPpb),
        generation: update.generation,
        support: next.marker === undefined ? 0 : 1,
      });
    }),
  );
});
