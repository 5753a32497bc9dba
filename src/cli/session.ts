/**
 * A bounded clock as the command line describes it. Without sources it runs on embedded
 * servers.
 *
 * There are five embedded servers. Four are honest servers of this machine's own wall clock, and
 * the last one lies. So a first try of the library needs no network, and shows what the vote of a
 * liar is worth. Embedded servers cannot show UTC.
 */
import { BoundedClock } from '../bounded-clock/bounded-clock.ts';
import { NtpServer } from '../sources/ntp/udp-server.ts';
import type { Clock } from '../time/clock.ts';
import type { ClockArguments } from './arguments.ts';
import { ask } from './ask.ts';
import { formatElapsed } from './durations.ts';
import { NoTimeError } from './exit.ts';
import type { TrueTo } from './report.ts';
import { makeSource, type SourceSpec, sourceName, withPoll } from './sources.ts';
import { describeFailure } from './wording.ts';

export interface Session extends AsyncDisposable {
  readonly bounded: BoundedClock;
  readonly trueTo: TrueTo;
  /** What is being read, for people. The first line says what its time is true to. */
  readonly headline: readonly string[];
}

const EMBEDDED_SERVERS = 5;
const LIE_MS = 250;
const WARM_UP_TIMEOUT_MS = 200;
/** Often enough that one sees epsilon grow and be cut back. */
const EMBEDDED_POLL_MS = 4000;

/** Starts the clock, and the embedded servers if no host is given. */
export async function openSession(
  args: ClockArguments,
  clock: Clock,
  signal: AbortSignal,
): Promise<Session> {
  const servers = args.sources.length === 0 ? await startServers(clock) : [];
  const closeServers = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  const specs: readonly SourceSpec[] =
    args.sources.length > 0
      ? args.sources
      : servers.map(({ address, port }) => ({ kind: 'ntp', host: address, port }));
  const pollIntervalMs = args.pollMs ?? (servers.length > 0 ? EMBEDDED_POLL_MS : undefined);
  let bounded: BoundedClock;
  try {
    await warmUp(servers, clock, signal);
    bounded = BoundedClock.start({
      sources: specs.map((spec) => makeSource(spec, withPoll(spec, pollIntervalMs))),
      clock,
      hostClock: args.hostClock,
      ...(args.maxDriftPpm === undefined ? {} : { maxDriftPpm: args.maxDriftPpm }),
    });
  } catch (error) {
    await closeServers();
    throw error;
  }
  return {
    bounded,
    trueTo: servers.length > 0 ? 'this-machine' : 'sources',
    headline: servers.length > 0 ? embeddedHeadline(servers) : sourcesHeadline(args),
    async [Symbol.asyncDispose]() {
      bounded.stop();
      await closeServers();
    },
  };
}

/** The message for the user when the sources did not agree within `afterMs`. */
export function noTime(bounded: BoundedClock, afterMs: number): NoTimeError {
  const waited = afterMs < 1000 ? `${Math.round(afterMs)} ms` : formatElapsed(afterMs);
  return new NoTimeError(`no bound within ${waited}: ${describeFailure(bounded.explain())}`);
}

async function startServers(clock: Clock): Promise<NtpServer[]> {
  const servers: NtpServer[] = [];
  for (let i = 1; i <= EMBEDDED_SERVERS; i++) {
    const behaviour = i === EMBEDDED_SERVERS ? { offsetMs: LIE_MS } : {};
    servers.push(await NtpServer.start({ clock, behaviour }));
  }
  return servers;
}

/**
 * Runs one exchange with each server first. Code that runs for the first time is slow, and client
 * and servers share this process: without the warm-up, the first delay shown would be tens of
 * milliseconds of compilation.
 */
async function warmUp(
  servers: readonly NtpServer[],
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (const endpoint of servers) {
    await ask({ endpoint, timeoutMs: WARM_UP_TIMEOUT_MS, clock, signal });
  }
}

function embeddedHeadline(servers: readonly NtpServer[]): string[] {
  const liar = servers.at(-1)!;
  return [
    "Demonstration: time true to this machine's clock, not to UTC.",
    `Five NTP servers embedded on ${liar.address}; the one on port ${liar.port} lies by ${LIE_MS} ms.`,
    'For UTC, name servers of your own: epsilon-clock watch <host> <host> ...',
  ];
}

function sourcesHeadline({ sources }: ClockArguments): string[] {
  const names = sources.map(sourceName).join(', ');
  return [`Time true to ${sources.length === 1 ? '' : 'the agreement of '}${names}.`];
}
