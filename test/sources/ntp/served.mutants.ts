import type { Mutant } from '../../tools/mutants/mutant.ts';

const claim = {
  file: 'src/sources/ntp/bounded-answers.ts',
  test: 'test/sources/ntp/bounded-answers.test.ts',
};
const limit = {
  file: 'src/sources/ntp/rate-limit.ts',
  test: 'test/sources/ntp/rate-limit.test.ts',
};
const trail = { file: 'src/bounded-clock/trail.ts', test: 'test/bounded-clock/trail.test.ts' };
const loops = { test: 'test/sources/ntp/loops.test.ts' };
const server = {
  file: 'src/sources/ntp/udp-server.ts',
  test: 'test/sources/ntp/bounded-server.test.ts',
};

export const mutants: Mutant[] = [
  {
    id: 'served-half-of-the-error',
    ...claim,
    find: 'errorNs: farthest + 1n',
    replace: 'errorNs: farthest / 2n + 1n',
  },
  {
    id: 'served-stamps-rounding-forgotten',
    ...claim,
    find: 'errorNs: farthest + 1n',
    replace: 'errorNs: farthest',
  },
  {
    id: 'served-upper-end-at-receipt-forgotten',
    ...claim,
    name: 'our own client',
    find: '    atReceipt.latest - received,\n',
    replace: '',
  },
  {
    id: 'served-lower-end-at-sending-forgotten',
    ...claim,
    name: 'our own client',
    find: '    transmitted - atSending.earliest,\n',
    replace: '',
  },
  {
    id: 'served-reply-before-its-request',
    ...claim,
    find: 'middle > received ? middle : received',
    replace: 'middle',
  },
  {
    id: 'served-dispersion-rounded-down',
    ...claim,
    file: 'src/sources/ntp/timestamp.ts',
    name: 'never claims less than it knows',
    find: 'divCeil(ns * SHORTS_PER_SECOND',
    replace: 'divFloor(ns * SHORTS_PER_SECOND',
  },
  {
    id: 'served-without-limit-of-error',
    ...claim,
    find: 'if (claim.errorNs <= MAX_ERROR_NS) return',
    replace: 'return',
  },
  {
    id: 'served-after-a-suspend',
    ...claim,
    name: 'sees a suspend',
    find: 'return this.#reader.read().interval;',
    replace: 'return this.#reader.tryNow();',
  },
  {
    id: 'served-leap-second-kept-back',
    ...claim,
    find: 'leap: LEAP_WARNINGS.indexOf(this.#reader.leap) as LeapIndicator,',
    replace: 'leap: 0,',
  },
  {
    id: 'served-frozen-dispersion',
    file: claim.file,
    test: 'test/sources/ntp/served-holdover.test.ts',
    find: 'rootDispersion: shortFromNsUp(errorNs),',
    replace: 'rootDispersion: shortFromNsUp(1_000_000n),',
  },
  {
    id: 'rate-limit-none',
    ...limit,
    find: 'if (fullAt - nowMs <= this.#burstMs) {',
    replace: 'if (fullAt >= nowMs) {',
  },
  {
    id: 'rate-limit-kiss-for-each',
    ...limit,
    find: "if (nowMs < this.#kissAt[place]!) return 'drop';",
    replace: '',
  },
  {
    id: 'rate-limit-saves-up',
    ...limit,
    find: 'Math.max(this.#fullAt[place]!, nowMs)',
    replace: 'this.#fullAt[place]!',
  },
  {
    id: 'rate-limit-whole-ipv6-address',
    ...limit,
    find: 'groups.slice(0, 4)',
    replace: 'groups',
  },
  {
    id: 'rate-limit-owner-ignored',
    ...limit,
    name: 'locks nobody out',
    find: 'if (this.#owners[place] !== owner >>> 0) {',
    replace: 'if (this.#owners[place] === 0) {',
  },
  {
    id: 'trail-own-id-not-known',
    ...trail,
    ...loops,
    find: 'if (id === this.#own) {',
    replace: 'if (id === -1) {',
  },
  {
    id: 'trail-own-id-not-announced',
    ...trail,
    ...loops,
    find: 'if (this.#own !== undefined) ids.add(this.#own);',
    replace: '',
  },
  {
    id: 'trail-ids-not-handed-on',
    ...trail,
    ...loops,
    name: 'ring of three',
    find: 'if ((id & PREFIX) >>> 0 !== PREFIX) return false;',
    replace: 'return false;',
  },
  {
    id: 'trail-loop-forgotten-at-once',
    ...trail,
    find: 'if (this.#loops.has(sourceId)) return true;',
    replace: 'if (id === this.#own) return true;',
  },
  {
    id: 'trail-keeps-what-a-loop-said',
    ...trail,
    find: 'this.#heard = this.#heard.filter((each) => each.sourceId !== sourceId);',
    replace: '',
  },
  {
    id: 'ntp-loop-accepted',
    file: 'src/sources/ntp/poller.ts',
    ...loops,
    find: "return loops ? { kind: 'refused', reason: 'loop', packet } : answer;",
    replace: 'return answer;',
  },
  {
    id: 'ntp-server-plain-clock-on-a-network',
    ...server,
    find: 'if (address === undefined || !isLoopback(address)) {',
    replace: 'if (address === undefined) {',
  },
  {
    id: 'ntp-server-lies-about-a-bound',
    ...server,
    find: "if (behaviour !== undefined) {\n    throw new ArgumentTypeError('behaviour', 'left out with",
    replace: "if (false) {\n    throw new ArgumentTypeError('behaviour', 'left out with",
  },
];
