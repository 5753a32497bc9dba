/**
 * A bounded clock as the command line describes it; without hosts, on embedded servers.
 *
 * The embedded five are honest servers of this machine's own wall clock, but for the last: a first look at
 * the library needs no network, and shows what a liar's vote is worth. What they cannot show is UTC.
 */
import { BoundedClock } from '../bounded-clock/bounded-clock.ts';
import { ntp } from '../sources/ntp/ntp.ts';
import { type NtpServer, startNtpServer } from '../sources/ntp/udp-server.ts';
import type { Clock } from '../time/clock.ts';
import type { ClockArguments } from './arguments.ts';
import { ask } from './ask.ts';
import { formatElapsed } from './durations.ts';
import { NoTimeError } from './exit.ts';
import type { HostSpec } from './hosts.ts';
import type { TrueTo } from './report.ts';
import { describeFailure } from './wording.ts';

export interface Session extends AsyncDisposable {
  readonly bounded: BoundedClock;
  readonly trueTo: TrueTo;
  /** What is being read, for people; the first line says what its time is true to. */
  readonly headline: readonly string[];
}

const EMBEDDED_SERVERS = 5;
const LIE_MS = 250;
const REHEARSAL_TIMEOUT_MS = 200;
/** Often enough to watch epsilon grow and be cut back. */
const EMBEDDED_POLL_MS = 4000;

/** Starts the servers, if it is to be those, and the clock. */
export async function openSession(
  args: ClockArguments,
  clock: Clock,
  signal: AbortSignal,
): Promise<Session> {
  const servers = args.hosts.length === 0 ? await startServers(clock) : [];
  const closeServers = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
  };
  const hosts: readonly HostSpec[] =
    args.hosts.length > 0
      ? args.hosts
      : servers.map(({ address, port }) => ({ host: address, port }));
  const pollIntervalMs = args.pollMs ?? (servers.length > 0 ? EMBEDDED_POLL_MS : undefined);
  let bounded: BoundedClock;
  try {
    await rehearse(servers, clock, signal);
    bounded = BoundedClock.start({
      sources: hosts.map(({ host, port }) =>
        ntp(host, { port, ...(pollIntervalMs === undefined ? {} : { pollIntervalMs }) }),
      ),
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
    headline: servers.length > 0 ? embeddedHeadline(servers) : hostsHeadline(args),
    async [Symbol.asyncDispose]() {
      bounded.stop();
      await closeServers();
    },
  };
}

/** The line for the user when nothing agreed within `afterMs`. */
export function noTime(bounded: BoundedClock, afterMs: number): NoTimeError {
  const waited = afterMs < 1000 ? `${Math.round(afterMs)} ms` : formatElapsed(afterMs);
  return new NoTimeError(`nothing agreed within ${waited}: ${describeFailure(bounded.explain())}`);
}

async function startServers(clock: Clock): Promise<NtpServer[]> {
  const servers: NtpServer[] = [];
  for (let i = 1; i <= EMBEDDED_SERVERS; i++) {
    const behaviour = i === EMBEDDED_SERVERS ? { offsetMs: LIE_MS } : {};
    servers.push(await startNtpServer({ clock, behaviour }));
  }
  return servers;
}

/**
 * Code that runs for the first time is slow, and here client and servers share a process: without this, the
 * first delay shown would be tens of milliseconds of compilation.
 */
async function rehearse(
  servers: readonly NtpServer[],
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (const endpoint of servers) {
    await ask({ endpoint, timeoutMs: REHEARSAL_TIMEOUT_MS, clock, signal });
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

function hostsHeadline({ hosts, hostClock }: ClockArguments): string[] {
  const names = hosts.map(({ host }) => host).join(', ');
  return [
    `Time true to ${hosts.length === 1 ? '' : 'the agreement of '}${names}.`,
    `Host clock: ${hostClock}.`,
  ];
}
