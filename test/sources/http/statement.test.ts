import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  bodyOf,
  descriptionOf,
  headerOf,
  readBody,
  readDescription,
  type Statement,
} from '../../../src/sources/http/statement.ts';
import { asUnixNs } from '../../../src/time/instant.ts';

const NONCE = '6f0123456789abcdef6f0123456789ab';
const SAID: Statement = {
  receivedNs: asUnixNs(1_795_227_787_534_418_003n),
  sentNs: asUnixNs(1_795_227_787_534_440_003n),
  errorNs: 112_000n,
  leap: 'none',
  basis: 'bound',
};

/** The reason of the miss that reading `text` is. */
function reasonOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return (error as { reason?: string }).reason;
  }
}

test('the forms on the wire', () => {
  expect(JSON.parse(bodyOf(SAID, NONCE))).toEqual({
    v: 1,
    nonce: NONCE,
    timescale: 'utc',
    receivedNs: '1795227787534418003',
    sentNs: '1795227787534440003',
    errorNs: '112000',
    leap: 'none',
    basis: 'bound',
  });
  expect(headerOf(SAID)).toBe(
    'epsilon;desc="1 1795227787534418003 1795227787534440003 112000 none bound"',
  );
  const none = { unsynchronized: 'starting' };
  expect(bodyOf(none, NONCE)).toBe(
    `{"v":1,"nonce":"${NONCE}","timescale":"utc","unsynchronized":"starting"}\n`,
  );
  expect(headerOf(none)).toBe('epsilon;desc="1 unsynchronized starting"');
});

test('what was written is read, in both forms', () => {
  const unix = fc.bigInt(0n, 2n ** 62n).map(asUnixNs);
  const statement = fc.record({
    receivedNs: unix,
    sentNs: unix,
    errorNs: fc.bigInt(0n, 1_500_000_000n),
    leap: fc.constantFrom('none', 'insert', 'delete'),
    basis: fc.constantFrom('bound', 'operator'),
  });
  fc.assert(
    fc.property(statement as fc.Arbitrary<Statement>, (said) => {
      expect(readBody(bodyOf(said, NONCE), NONCE)).toEqual(said);
      expect(readDescription(descriptionOf(said))).toEqual(said);
    }),
  );
});

const body = (changes: object): string =>
  JSON.stringify({ ...JSON.parse(bodyOf(SAID, NONCE)), ...changes });

describe('a body is refused', () => {
  it.each<[string, string, string]>([
    ['empty', '', 'malformed'],
    ['HTML', '<!doctype html>', 'malformed'],
    ['null', 'null', 'malformed'],
    ['a number', '5', 'malformed'],
    ['a list', '[]', 'version'],
    ['cut off', bodyOf(SAID, NONCE).slice(0, 80), 'malformed'],
    ['of another version', body({ v: 2 }), 'version'],
    ['of a version that is text', body({ v: '1' }), 'version'],
    ['with the nonce of another request', body({ nonce: NONCE.replace('6f', '70') }), 'nonce'],
    ['without a nonce', body({ nonce: undefined }), 'nonce'],
    ['in another timescale', body({ timescale: 'tai' }), 'timescale'],
    ['without a bound', body({ unsynchronized: 'starting' }), 'unsynchronized'],
    ['with a number for text', body({ receivedNs: 1_795_227_787_534 }), 'malformed'],
    ['with a sign', body({ sentNs: '-5' }), 'malformed'],
    ['with leading zeros', body({ sentNs: '0005' }), 'malformed'],
    ['with an exponent', body({ sentNs: '1e18' }), 'malformed'],
    ['with a million digits', body({ sentNs: '9'.repeat(1_000_000) }), 'malformed'],
    ['after the year 2116', body({ receivedNs: String(2n ** 62n + 1n) }), 'malformed'],
    ['with a negative error', body({ errorNs: '-1' }), 'malformed'],
    ['with an error above 1.5 s', body({ errorNs: '1500000001' }), 'root-distance'],
    ['with another leap', body({ leap: 'maybe' }), 'malformed'],
    ['with another basis', body({ basis: 'trust me' }), 'malformed'],
  ])('%s', (_, text, reason) => {
    expect(reasonOf(() => readBody(text, NONCE))).toBe(reason);
  });

  it('whatever it is: with a typed miss, never another error', () => {
    const near = fc.record(
      {
        v: fc.constantFrom(1, 2, '1'),
        nonce: fc.constantFrom(NONCE, '', null),
        timescale: fc.constantFrom('utc', 'tai'),
        receivedNs: fc.oneof(fc.string(), fc.bigInt().map(String), fc.anything()),
        sentNs: fc.oneof(fc.string(), fc.bigInt().map(String)),
        errorNs: fc.oneof(fc.string(), fc.nat().map(String)),
        leap: fc.constantFrom('none', 'insert', 5),
        basis: fc.constantFrom('bound', 'x'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          near.map((o) => safeJson(o)),
        ),
        (text) => {
          const came = reasonOf(() => readBody(text, NONCE));
          expect(came).toBeDefined();
          if (typeof came === 'string') expect(came).toMatch(/^[a-z-]+$/);
        },
      ),
    );
  });
});

const safeJson = (value: object): string =>
  JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? String(each) : each)) ?? '';

test.each<[string, string, string]>([
  ['empty', '', 'version'],
  ['of another version', '2 5 5 5 none bound', 'version'],
  ['with too few words', '1 5 5 5 none', 'malformed'],
  ['with too many', '1 5 5 5 none bound x', 'malformed'],
  ['without a bound', '1 unsynchronized expired', 'unsynchronized'],
])('a description is refused: %s', (_, text, reason) => {
  expect(reasonOf(() => readDescription(text))).toBe(reason);
});

test('why the server has no bound is repeated only if it is a plain word', () => {
  const causeOf = (reason: unknown): string => {
    try {
      readBody(body({ unsynchronized: reason }), NONCE);
    } catch (error) {
      return (error as Error).message;
    }
    return 'read';
  };
  expect(causeOf('leap-second')).toBe('its clock: leap-second');
  for (const hostile of ['\u001b[31m', 'a b', 'x'.repeat(41), 5, {}, ['starting']]) {
    expect(causeOf(hostile)).toBe('unsynchronized');
  }
});
