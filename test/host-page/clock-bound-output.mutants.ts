import type { Mutant } from '../tools/mutants/mutant.ts';

const fields = {
  file: 'src/host-page/clock-bound-fields.ts',
  test: 'test/host-page/clock-bound-fields.test.ts',
};
const publisher = {
  file: 'src/host-page/clock-bound-publisher.ts',
  test: 'test/host-page/clock-bound-publisher.test.ts',
};
const file = { ...publisher, file: 'src/host-page/clock-bound-file.ts' };

export const mutants: Mutant[] = [
  {
    id: 'clock-bound-page-nearer-edge',
    ...fields,
    find: 'boundNs: max(ahead, behind)',
    replace: 'boundNs: (ahead + behind) / 2n',
    name: 'what a client computes',
  },
  {
    id: 'clock-bound-page-wall-edges-swapped',
    ...fields,
    find: 'latest - readAt - wall.lowerNs',
    replace: 'latest - readAt - wall.upperNs',
    name: 'what a client computes',
  },
  {
    id: 'clock-bound-page-without-grid',
    ...fields,
    find: 'max(ahead, behind) + gridNs',
    replace: 'max(ahead, behind)',
    name: 'what a client computes',
  },
  {
    id: 'clock-bound-page-coarse-clock-forgotten',
    ...fields,
    find: 'readAt > COARSE_NS ? readAt - COARSE_NS : 0n',
    replace: 'readAt',
    name: 'what a client computes',
  },
  {
    id: 'clock-bound-page-drift-rounded-down',
    ...fields,
    find: '(slope * PPB + 0x3_ffff_ffffn) >> 34n',
    replace: '(slope * PPB) >> 34n',
    name: 'rounded up',
  },
  {
    id: 'clock-bound-page-leap-within-the-grace',
    ...fields,
    find: 'outlook.until < readAt + LIFE_NS',
    replace: 'outlook.until < readAt + GRACE_NS',
    name: 'sees the leap second',
  },
  {
    id: 'clock-bound-page-drift-of-the-present',
    file: 'src/bounded-clock/page/outlook.ts',
    test: 'test/host-page/clock-bound-publisher.test.ts',
    find: 'if (until < from || start > to) continue;',
    replace: 'if (until < from || start > from) continue;',
    name: 'steepest until then',
  },
  {
    id: 'clock-bound-page-step-not-looked-for',
    ...publisher,
    find: '    this.#wall.observe(read);\n    return',
    replace: '    if (this.#lookedAt === undefined) this.#wall.observe(read);\n    return',
    name: 'a step of 2.5 ms',
  },
  {
    id: 'clock-bound-page-looks-at-the-wall-once',
    ...publisher,
    find: 'return at === undefined ||',
    replace: 'return at === undefined && false ||',
    name: 'too small to disrupt',
  },
  {
    id: 'clock-bound-page-disruption-at-the-next-tick',
    ...publisher,
    find: 'this.#clock.publishListeners?.add(this.#onPublication);',
    replace: '',
    name: 'from no bound to a bound',
  },
  {
    id: 'clock-bound-page-zero-without-a-bound',
    ...publisher,
    file: fields.file,
    find: 'boundNs: NO_BOUND_NS',
    replace: 'boundNs: 0n',
    name: 'from no bound to a bound',
  },
  {
    id: 'clock-bound-page-goes-on-after-stop',
    ...publisher,
    find: '      this.#file.write(fieldsWithoutBound(UNKNOWN, undefined));\n    } catch',
    replace: '    } catch',
    name: 'ends it at once',
  },
  {
    id: 'clock-bound-page-generation-comes-to-0',
    ...file,
    find: 'odd === 0xffff ? 2 : odd + 1',
    replace: '(odd + 1) & 0xffff',
    name: 'of another life',
  },
  {
    id: 'clock-bound-page-follows-links',
    ...file,
    find: ' | O_NOFOLLOW',
    replace: '',
    name: 'a symbolic link',
  },
  {
    id: 'clock-bound-page-over-a-file-of-something-else',
    ...file,
    find: 'if (start.length > 0 && !startsAsSegment(start)) {',
    replace: 'if (false) {',
    name: 'left as it is',
  },
  {
    id: 'clock-bound-page-without-odd-generation',
    ...file,
    test: 'test/host-page/clock-bound-file.test.ts',
    find: '    byteAt(GENERATION_LOW_AT, odd & 0xff),\n',
    replace: '',
  },
  {
    id: 'clock-bound-page-low-byte-first',
    ...file,
    test: 'test/host-page/clock-bound-file.test.ts',
    find: `    byteAt(GENERATION_HIGH_AT, even >> 8),
    byteAt(GENERATION_LOW_AT, even & 0xff),`,
    replace: `    byteAt(GENERATION_LOW_AT, even & 0xff),
    byteAt(GENERATION_HIGH_AT, even >> 8),`,
  },
];
