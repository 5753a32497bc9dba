/**
 * Network Time Security between this library and others: chronyd as the server of our client, and
 * as a client that judges our server; ntpsec as the server of our client. All serve this machine's
 * wall clock, so that is true time (kit/wall-truth.ts).
 */
import { type RunningSource, systemClock } from 'epsilon-clock';
import { type NtsOptions, NtsServer, ntp, nts } from 'epsilon-clock/node';
import { decodePacket, type NtpTransport, udpTransport } from 'epsilon-clock/ntp';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ExchangeKeys, exchangeKeys } from '../../src/sources/nts/key-exchange.ts';
import { type NtsNetwork, ntsSource } from '../../src/sources/nts/nts.ts';
import { FieldType, loadAead } from '../../src/sources/nts/protection.ts';
import { type Certificate, certificateFor } from '../kit/certificate.ts';
import { queryNtsOffsetNs, startNts } from '../kit/chronyd.ts';
import { Ntpsec } from '../kit/ntpsec.ts';
import { RecordingSink } from '../kit/recording-sink.ts';

const clock = systemClock();
const HOST = 'nts.test';
const ADDRESS = '127.0.0.31';
let certificate: Certificate;
const running: RunningSource[] = [];

beforeAll(async () => {
  certificate = await certificateFor([HOST, 'localhost'], { addresses: [ADDRESS] });
});
afterEach(() => {
  for (const source of running.splice(0)) source.stop();
});

function client(
  port: number,
  { host = HOST, ...options }: NtsOptions & { host?: string } = {},
): RecordingSink {
  const sink = new RecordingSink(clock);
  const ca = certificate.cert;
  const resolve = async (): Promise<string[]> => [ADDRESS];
  running.push(nts(host, { port, ca, resolve, pollIntervalMs: 20, ...options }).start(sink));
  return sink;
}

/** The network of `nts`, and what our client does with it. */
class Tap implements NtsNetwork {
  keyExchanges = 0;
  requests = 0;
  readonly cookies = new Set<string>();
  readonly lengths = new Set<number>();
  readonly loadAead = loadAead;
  readonly #udp = udpTransport();
  readonly exchangeKeys: ExchangeKeys = (request) => {
    this.keyExchanges++;
    return exchangeKeys(request);
  };
  readonly transport: NtpTransport = {
    exchange: (exchange) => {
      const packet = decodePacket(exchange.request);
      const cookie = packet.extensions.find(({ type }) => type === FieldType.cookie);
      this.requests++;
      this.cookies.add(String(cookie?.body));
      this.lengths.add(exchange.request.length);
      return this.#udp.exchange(exchange);
    },
  };
}

/** The median of the widths of samples, in us. */
function medianWidthUs({ samples }: RecordingSink): number {
  const widths = samples.map(({ upperNs, lowerNs }) => Number(upperNs - lowerNs) / 1000);
  return widths.sort((a, b) => a - b)[widths.length >> 1]!;
}

describe('chronyd as the server', () => {
  test('50 authenticated exchanges: one key exchange, eight cookies all the time', async () => {
    const { chronyd, ntsPort } = await startNts(ADDRESS, certificate);
    await using server = chronyd;
    const sink = new RecordingSink(clock);
    const tapped = new Tap();
    const options = { port: ntsPort, ca: certificate.cert, pollIntervalMs: 20 };
    running.push(
      ntsSource(HOST, { ...options, resolve: async () => [ADDRESS] }, tapped).start(sink),
    );
    await sink.until(() => sink.samples.length >= 50 || sink.misses.length > 0);
    expect(sink.misses).toEqual([]);
    expect(sink.ids).toEqual([`nts://${ADDRESS}:${ntsPort}`]);
    const slack = 2n * clock.wallGridNs;
    const theta = clock.wallNs() - clock.monotonicNs();
    for (const sample of sink.samples) {
      expect(sample.upperNs).toBeGreaterThanOrEqual(theta - slack);
      expect(sample.lowerNs).toBeLessThanOrEqual(theta + slack);
    }
    expect(tapped.keyExchanges).toBe(1);
    expect(tapped.cookies.size).toBe(tapped.requests);
    // A request asks for cookies only when there are less than eight: all have one length.
    expect(tapped.lengths.size).toBe(1);
    const plain = new RecordingSink(clock);
    running.push(ntp(ADDRESS, { port: server.port, pollIntervalMs: 20 }).start(plain));
    await plain.until(() => plain.samples.length >= 50);
    const widths = [medianWidthUs(plain), medianWidthUs(sink)].map((us) => Math.round(us));
    console.log(`median width of 50 samples: plain ${widths[0]} us, NTS ${widths[1]} us`);
  });

  test('a name that its certificate does not have is refused', async () => {
    const { chronyd, ntsPort } = await startNts(ADDRESS, certificate);
    await using _ = chronyd;
    const sink = client(ntsPort, { host: 'other.test' });
    await sink.until(() => sink.misses.length > 0);
    expect([sink.misses[0]?.reason, sink.causes[0]]).toEqual([
      'certificate-name',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ]);
    expect(sink.samples).toEqual([]);
  });

  test('by its address', async () => {
    const { chronyd, ntsPort } = await startNts(ADDRESS, certificate);
    await using _ = chronyd;
    const sink = client(ntsPort, { host: ADDRESS });
    await sink.until(() => sink.samples.length + sink.misses.length >= 5);
    expect(sink.misses).toEqual([]);
  });

  test('that forgets its keys every second is recovered from each time', async () => {
    const { chronyd, ntsPort } = await startNts(ADDRESS, certificate, ['ntsrotate 1']);
    await using _ = chronyd;
    // A poll a second: the oldest of eight cookies is older than the keys that chronyd keeps.
    const sink = client(ntsPort, { timeoutMs: 100, pollIntervalMs: 1000 });
    const naks = (): number => sink.misses.filter(({ reason }) => reason === 'nts-nak').length;
    await sink.until(() => naks() >= 2 && sink.log.at(-1)?.startsWith('sample') === true);
    expect(naks()).toBe(sink.misses.length);
    expect(sink.samples.length).toBeGreaterThan(2);
  });
});

describe('chronyd as the client', () => {
  test('accepts our server: key exchange, requests and replies', async () => {
    await using server = await NtsServer.start({ clock, ...certificate });
    const offsetNs = await queryNtsOffsetNs(server, { host: 'localhost', cert: certificate.cert });
    expect(server.keyExchanges).toBe(1);
    expect(server.answered).toBeGreaterThanOrEqual(2);
    expect(server.refused).toBe(0);
    expect(server.repeatedCookies).toBe(0);
    expect(Math.abs(offsetNs)).toBeLessThan(Number(clock.wallGridNs) + 50e6);
    console.log(`chronyd -Q: our server is ${Math.round(offsetNs / 1000)} us ahead`);
  });

  test('measures the offset of a server that is 300 ms ahead', async () => {
    const behaviour = { offsetMs: 300 };
    await using server = await NtsServer.start({ clock, behaviour, ...certificate });
    const offsetNs = await queryNtsOffsetNs(server, { host: 'localhost', cert: certificate.cert });
    expect(Math.abs(offsetNs - 300e6)).toBeLessThan(50e6);
  });

  test('refuses our server under a name that its certificate does not have', async () => {
    const other = await certificateFor(['other.test'], { addresses: [] });
    await using server = await NtsServer.start({ clock, ...other });
    await expect(
      queryNtsOffsetNs(server, { host: 'localhost', cert: other.cert }),
    ).rejects.toThrow();
    expect(server.received).toBe(0);
  });
});

// ntpsec cannot be installed beside chrony, so it is looked for only where it was unpacked.
const { NTPSEC } = process.env;

describe.skipIf(NTPSEC === undefined)('ntpsec as the server, in a network namespace', () => {
  test('50 authenticated exchanges, once it serves time', async () => {
    const own = await certificateFor([], { addresses: [Ntpsec.address] });
    await using server = await Ntpsec.start(NTPSEC!, own);
    // It says "unsynchronised" in its first seconds.
    let seen = await server.ask(1);
    while (seen.samples === 0) seen = await server.ask(1);
    seen = await server.ask(50);
    expect(seen).toEqual({ samples: 50, holding: 50, misses: [] });
  });
});
