import type { Mutant } from './mutant.ts';

const EXCHANGE = 'src/sources/ntp/exchange.ts';
const POLLER = 'src/sources/ntp/poller.ts';
const TIMESTAMP = 'src/sources/ntp/timestamp.ts';
const exchangeTest = { file: EXCHANGE, test: 'test/sources/ntp/exchange.test.ts' };
const formula = { ...exchangeTest, name: 'follows from the formula' };
const rules = { ...exchangeTest, name: 'rules' };

export const mutants: Mutant[] = [
  {
    id: 'ntp-root-delay-dropped',
    ...formula,
    find: 'divCeil(nsFromShortUp(packet.rootDelay), 2n) +',
    replace: '',
  },
  {
    id: 'ntp-root-delay-quartered',
    ...formula,
    find: 'divCeil(nsFromShortUp(packet.rootDelay), 2n)',
    replace: 'divCeil(nsFromShortUp(packet.rootDelay), 4n)',
  },
  {
    id: 'ntp-root-dispersion-ignored',
    ...formula,
    find: 'nsFromShortUp(packet.rootDispersion) +',
    replace: '',
  },
  {
    id: 'ntp-t2-and-t3-swapped',
    ...formula,
    find: 'upperNs: serverReceive - sentAt + serverErrorNs',
    replace: 'upperNs: serverTransmit - sentAt + serverErrorNs',
  },
  {
    id: 'ntp-t4-for-t1-in-the-upper-fact',
    ...formula,
    find: 'upperNs: serverReceive - sentAt +',
    replace: 'upperNs: serverReceive - receivedAt +',
  },
  {
    id: 'ntp-grid-forgotten',
    ...formula,
    find: 'serverTransmit - receivedAt - monotonicGridNs -',
    replace: 'serverTransmit - receivedAt -',
  },
  {
    id: 'ntp-t3-rounded-up',
    ...formula,
    find: "unixNsFromTimestamp(packet.transmitTime, pivot, 'down')",
    replace: "unixNsFromTimestamp(packet.transmitTime, pivot, 'up')",
  },
  {
    id: 'ntp-nonce-not-checked',
    ...rules,
    find: "if (packet.originTime !== record.nonce) return { kind: 'ignored', reason: 'origin' };",
    replace: '',
  },
  {
    id: 'ntp-stratum-16-accepted',
    ...rules,
    find: 'packet.stratum > 15',
    replace: 'packet.stratum > 16',
  },
  {
    id: 'ntp-leap-3-accepted',
    ...rules,
    find: "if (packet.leap === 3) return 'unsynchronized';",
    replace: '',
  },
  {
    id: 'ntp-hold-time-rule-dropped',
    ...rules,
    find: "if (holdNs > roundTripNs + record.monotonicGridNs) return 'hold-time';",
    replace: '',
  },
  {
    id: 'ntp-root-distance-without-dispersion',
    ...rules,
    find: 'packet.rootDelay + 2 * packet.rootDispersion',
    replace: 'packet.rootDelay',
  },
  {
    id: 'ntp-timeout-not-checked',
    ...rules,
    find: "if (roundTripNs > record.timeoutNs) return 'late';",
    replace: '',
  },
  {
    id: 'ntp-precision-unsigned',
    file: 'src/sources/ntp/packet.ts',
    find: 'precision: view.getInt8(3)',
    replace: 'precision: view.getUint8(3)',
    test: 'test/sources/ntp/packet.test.ts',
    name: 'field by field',
  },
  {
    id: 'ntp-quantum-forgotten',
    file: TIMESTAMP,
    find: 'BigInt(short + 1)',
    replace: 'BigInt(short)',
    test: 'test/sources/ntp/timestamp.test.ts',
    name: 'short format',
  },
  {
    id: 'ntp-precision-rounded-down',
    file: TIMESTAMP,
    find: 'divCeil(NS_PER_SECOND, 1n << BigInt(-precision))',
    replace: 'divFloor(NS_PER_SECOND, 1n << BigInt(-precision))',
    test: 'test/sources/ntp/timestamp.test.ts',
    name: 'signed logarithm',
  },
  {
    id: 'ntp-era-ignored',
    file: TIMESTAMP,
    find: 'near + BigInt.asIntN(64, timestamp - near)',
    replace: 'timestamp',
    test: 'test/sources/ntp/timestamp.test.ts',
    name: 'nearest era',
  },
  {
    id: 'ntp-server-answers-any-mode',
    file: 'src/sources/ntp/server.ts',
    find: 'mode !== 3 || ',
    replace: '',
    test: 'test/sources/ntp/server.test.ts',
    name: 'no answer',
  },
  {
    id: 'ntp-rate-does-not-slow-down',
    file: POLLER,
    find: 'Math.min(this.#intervalMs * 2, slowest)',
    replace: 'this.#intervalMs',
    test: 'test/sources/ntp/ntp-source.test.ts',
    name: 'RATE',
  },
  {
    id: 'ntp-discard-keeps-the-exchange',
    file: POLLER,
    find: 'if (this.#cancelExchange === undefined) return;\n    this.#cancelExchange();',
    replace: 'if (this.#cancelExchange === undefined) return;',
    test: 'test/sources/ntp/ntp-source.test.ts',
    name: 'drops the exchange under way',
  },
  {
    id: 'ntp-bursts-not-rationed',
    file: POLLER,
    find: 'if (this.#burstsInHand === 0) return;',
    replace: '',
    test: 'test/sources/ntp/ntp-source.test.ts',
    name: 'rationed',
  },
  {
    id: 'ntp-address-not-canonical',
    file: 'src/sources/ntp/ntp-source.ts',
    find: 'const address = canonicalAddress(text);',
    replace: 'const address = canonicalAddress(text) && text;',
    test: 'test/sources/ntp/ntp-source.test.ts',
    name: 'two names of one address',
  },
  {
    id: 'ntp-flood-without-end',
    file: 'src/sources/ntp/udp-transport.ts',
    find: "else if (++ignored >= MAX_IGNORED_DATAGRAMS) fail('flood');",
    replace: 'else ignored++;',
    test: 'test/sources/ntp/flood.test.ts',
    name: 'end the exchange after a fixed number',
  },
];
