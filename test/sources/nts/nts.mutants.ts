import type { Mutant } from '../../tools/mutants/mutant.ts';

const RECORDS = 'src/sources/nts/records.ts';
const COOKIES = 'src/sources/nts/cookies.ts';
const PROTECTION = 'src/sources/nts/protection.ts';
const TRANSPORT = 'src/sources/nts/nts-transport.ts';
const KEY_EXCHANGE = 'src/sources/nts/key-exchange.ts';
const GUARD = 'src/sources/nts/server-guard.ts';
const records = { test: 'test/sources/nts/records.test.ts' };
const packets = { file: PROTECTION, test: 'test/sources/nts/protection.test.ts' };
const session = { test: 'test/sources/nts/nts-transport.test.ts' };
const sockets = { file: KEY_EXCHANGE, test: 'test/sources/nts/nts.test.ts' };

export const mutants: Mutant[] = [
  {
    id: 'nts-unique-id-not-checked',
    ...packets,
    name: 'replay',
    find: 'returned === undefined || !equal(returned.body, uniqueId)',
    replace: 'returned === undefined',
  },
  {
    id: 'nts-unique-id-read-behind-the-authenticator',
    ...packets,
    name: 'identifier is cut or absent',
    find: 'extensions.indexOf(returned) > at',
    replace: 'false',
  },
  {
    id: 'nts-authenticator-not-checked',
    ...packets,
    name: 'flipped bit|mutated replies',
    find: "if (plaintext === undefined) return 'authenticator';",
    replace:
      'if (plaintext === undefined) return { header: datagram.subarray(0, HEADER_BYTES), cookies: [] };',
  },
  {
    id: 'nts-header-not-authenticated',
    ...packets,
    name: 'flipped bit',
    find: 'const associated = packet.subarray(0, body',
    replace: 'const associated = packet.subarray(48, body',
  },
  {
    id: 'nts-cookie-in-clear-accepted',
    ...packets,
    name: 'cookie in clear',
    find: "return 'cookie-in-clear';",
    replace: '',
  },
  {
    id: 'nts-padding-not-checked',
    ...packets,
    name: 'padding is not zero',
    find: 'if (padding.some((bytes) => bytes.some((byte) => byte !== 0))) return undefined;',
    replace: '',
  },
  {
    id: 'nts-nak-without-identifier',
    ...packets,
    name: 'NTSN is a NAK only',
    find: 'const packet = parsePacket(datagram);',
    replace: `const packet = parsePacket(datagram);
  if (typeof packet !== 'string' && packet.referenceId === NTSN) return 'nts-nak';`,
  },
  {
    id: 'nts-ntsn-trusted-at-once',
    file: TRANSPORT,
    ...session,
    name: 'NTSN',
    find: "if (fault !== 'nts-nak') fault = reply;",
    replace:
      "if (reply === 'nts-nak') this.#end({ failure: reply, details: {} });\n          fault = reply;",
  },
  {
    id: 'nts-ntsn-trusted-after-a-true-reply',
    file: TRANSPORT,
    ...session,
    name: 'NTSN',
    find: 'authenticated = true;',
    replace:
      "if (fault === 'nts-nak') this.#end({ failure: fault, details: {} });\n        authenticated = true;",
  },
  {
    id: 'nts-ntsn-never-heeded',
    file: TRANSPORT,
    ...session,
    name: 'NTSN',
    find: "if (fault === 'nts-nak' && !authenticated) this.#end({ failure: fault, details: {} });",
    replace: '',
  },
  {
    id: 'nts-keys-of-the-wrong-direction',
    file: TRANSPORT,
    ...session,
    name: 'an honest server yields',
    find: '{ uniqueId, key: keys.toClient }',
    replace: '{ uniqueId, key: keys.toServer }',
  },
  {
    id: 'nts-new-cookies-dropped',
    file: TRANSPORT,
    ...session,
    name: 'an honest server yields',
    find: 'for (const cookie of reply.cookies) cookies.add(cookie);',
    replace: '',
  },
  {
    id: 'nts-no-pause-after-a-key-exchange',
    file: TRANSPORT,
    ...session,
    name: 'few key exchanges',
    find: "this.#backOff('reached');\n    const { agreement",
    replace: 'const { agreement',
  },
  {
    id: 'nts-pause-does-not-double',
    file: TRANSPORT,
    ...session,
    name: 'few key exchanges|waits 16 s',
    find: 'this.#pause.ms * 2',
    replace: 'this.#pause.ms',
  },
  {
    id: 'nts-pause-forgotten-with-the-address',
    file: 'src/sources/ntp/ntp-source.ts',
    ...session,
    name: 'keeps its session and its pause',
    find: 'this.#transports.get(allowance) ?? ',
    replace: '',
  },
  {
    id: 'nts-pause-outlasts-the-wrong-date',
    file: TRANSPORT,
    ...session,
    name: 'wall clock was set',
    find: ' && !this.#clockWasSet()',
    replace: '',
  },
  {
    id: 'nts-pause-ended-by-any-step',
    file: TRANSPORT,
    ...session,
    name: 'wall clock was set',
    find: 'DATE_FAILURES.has(failure) ? this.#wallOffsetNs() : undefined',
    replace: 'this.#wallOffsetNs()',
  },
  {
    id: 'nts-cookie-sent-twice',
    file: COOKIES,
    ...records,
    name: 'once each',
    find: 'this.#ring.shift()',
    replace: 'this.#ring[0]',
  },
  {
    id: 'nts-placeholders-forgotten',
    file: COOKIES,
    ...records,
    name: 'as many as are missing',
    find: 'Math.max(1, Math.min(missing, fitting)) - 1',
    replace: '0',
  },
  {
    id: 'nts-aead-not-checked',
    file: RECORDS,
    ...records,
    name: 'AEAD 30',
    find: "if (aead !== AES_SIV_CMAC_256) return 'aead';",
    replace: '',
  },
  {
    id: 'nts-nine-cookies-accepted',
    file: RECORDS,
    ...records,
    name: 'nine cookies',
    find: "if (cookies.length === MAX_COOKIES) return 'too-many-cookies';",
    replace: '',
  },
  {
    id: 'nts-message-not-bounded',
    file: RECORDS,
    ...records,
    name: 'more than 16 KiB',
    find: "if (piece.length > MAX_MESSAGE_BYTES - this.#length) return 'message-length';",
    replace: '',
  },
  {
    id: 'nts-alpn-not-checked',
    ...sockets,
    name: 'does not know the protocol',
    find: 'secured.alpnProtocol !== ALPN',
    replace: 'false',
  },
  {
    id: 'nts-name-not-checked',
    ...sockets,
    name: 'a certificate that',
    find: '...(isIP(name) === 0 && { servername: name }),',
    replace: '',
  },
  {
    id: 'nts-dates-not-told-apart',
    ...sockets,
    name: 'a certificate that',
    find: "['CERT_HAS_EXPIRED', 'certificate-expired'],",
    replace: '',
  },
  {
    id: 'nts-server-forgets-nothing',
    file: GUARD,
    test: 'test/sources/nts/nts-transport.test.ts',
    name: 'forgot its keys',
    find: 'rotateKeys(): void {\n    this.#masterKey = this.#random(KEY_BYTES);',
    replace: 'rotateKeys(): void {',
  },
  {
    id: 'nts-server-amplifies',
    file: GUARD,
    test: 'test/sources/nts/protection.test.ts',
    name: 'never shorter|eight',
    find: 'Math.min(asking.length, MAX_COOKIES)',
    replace: 'Math.max(asking.length, MAX_COOKIES)',
  },
];
