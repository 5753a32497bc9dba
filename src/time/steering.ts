/**
 * Whether somebody adjusts this machine's clock, judged by what a program can see of its machine
 * without native code: the names of processes, UDP ports, and the files of time daemons.
 *
 * The problem. Where nothing steers the clock its rate can be learned; where a daemon does, it
 * cannot. No reading of the clocks tells the two apart in time (docs/bound.md, "Which profile?").
 * The kernel knows (`adjtimex`), but Node cannot ask it. What remains is how the operator set up
 * the machine.
 *
 * The idea. That is evidence and no proof, so each doubt counts against the narrower answer. Only
 * *absence* narrows: `unsteered` needs a view of all processes of the machine, none of which is a
 * known daemon, and no trace of one. A stranger can add a name, a socket, a file, or thousands of
 * processes. Each of these makes the conclusion `steered` or `unknown`, which only widen the
 * answer. A stranger cannot take anything away.
 *
 * What hides a daemon from it: docs/guarantees/bounded-clock.md, A5.
 *
 * Facts are read by steering-facts.ts. This file only judges them.
 */

/** What was read of this machine to see who adjusts its clock. */
export interface SteeringFacts {
  /** What `/proc/self/ns/pid` points to; absent where it cannot be read. */
  readonly pidNamespace?: string | undefined;
  /** The processes whose name could be read. */
  readonly processes: readonly { readonly pid: number; readonly name: string }[];
  /** How many are listed, but their name could not be read. */
  readonly unreadable: number;
  /** Whether all that there was to list was read. */
  readonly complete: boolean;
  /** The UDP ports that are in use where process 1 is; absent where they cannot be read. */
  readonly udpPorts?: readonly number[] | undefined;
  /**
   * The files and directories of time daemons in `/run` that exist; absent where `/run` is not that
   * of process 1.
   */
  readonly paths?: readonly string[] | undefined;
}

/** What the facts come to. */
export interface Steering {
  /**
   * - `steered`: a process that adjusts clocks was seen.
   * - `unsteered`: all processes were seen, and no sign of any that does.
   * - `unknown`: not all could be seen, or the signs contradict each other.
   */
  readonly conclusion: 'steered' | 'unsteered' | 'unknown';
  /** What that rests on, in sentences for people. */
  readonly because: readonly string[];
}

/** The kernel gives its first PID namespace this number, and no other one (`proc_ns.h`). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/**
 * Programs that slew a clock, by the 15 letters of their name that the kernel keeps. Programs that
 * only step it, such as `date` and `qemu-ga`, are not needed here: a step shows (A3).
 */
const DAEMONS: ReadonlySet<string> = new Set([
  // NTP
  ...['chronyd', 'ntpd', 'ntp-daemon', 'openntpd', 'systemd-timesyn', 'connmand', 'ntimed-client'],
  ...['ntpdate', 'sntp', 'msntp', 'ntpdig', 'ntpclient', 'radclock', 'timed'],
  // PTP
  ...['ptp4l', 'phc2sys', 'ts2phc', 'timemaster', 'ptpd', 'ptpd2', 'sptp', 'sfptpd', 'statime'],
  ...['statime-linux', 'ppsi', 'oscillatord', 'timebeat', 'timekeeper'],
  // ClockBound sets the clock itself since its version 3
  ...['clockbound'],
  // other protocols, and by hand
  ...['rdate', 'htpdate', 'tlsdate', 'tlsdated', 'sdwdate', 'sclockadj', 'adjtimex'],
  // guests whose hypervisor sets their clock
  ...['vmtoolsd', 'VBoxService', 'prltoolsd', 'prltimesync'],
]);

/** Programs of many trades, one of which is to slew the clock. */
const MULTI_CALL: ReadonlySet<string> = new Set(['busybox', 'toybox']);

/** NTP; PTP's events and messages; chronyd's commands. */
const DAEMON_PORTS: readonly number[] = [123, 319, 320, 323];

/** What time daemons leave in `/run` while they run. */
export const DAEMON_PATHS: readonly string[] = [
  '/run/chrony',
  '/run/ntpd.pid',
  '/run/ntpd.sock',
  '/run/ntpd-rs',
  '/run/ptp4l',
  '/run/systemd/timesync/synchronized',
  '/run/timemaster',
];

/** The sentences of each kind are at most this many. */
const MAX_SENTENCES = 4;

/** Judges `facts`. Without facts, because the platform has none, nothing is known. */
export function concludeSteering(facts: SteeringFacts | undefined): Steering {
  if (facts === undefined) {
    return {
      conclusion: 'unknown',
      because: ['this platform does not show who adjusts its clock'],
    };
  }
  const { processes } = facts;
  const seen = called(DAEMONS, processes);
  if (seen.length > 0) return { conclusion: 'steered', because: seen };
  const doubts = [...gapsIn(facts), ...tracesIn(facts)];
  if (doubts.length > 0) return { conclusion: 'unknown', because: doubts };
  return {
    conclusion: 'unsteered',
    because: [
      `none of ${processes.length} processes is a known time daemon`,
      `UDP ports ${DAEMON_PORTS.join(', ')} are free`,
      'no time daemon has its files in /run',
    ],
  };
}

function called(names: ReadonlySet<string>, processes: SteeringFacts['processes']): string[] {
  return processes
    .filter(({ name }) => names.has(name))
    .slice(0, MAX_SENTENCES)
    .map(({ pid, name }) => `process ${pid} is called ${name}`);
}

/** What of the machine this process does not see. */
function gapsIn(facts: SteeringFacts): string[] {
  const { pidNamespace, processes, unreadable, complete, udpPorts, paths } = facts;
  const gaps: string[] = [];
  if (pidNamespace === undefined) {
    gaps.push('/proc/self/ns/pid cannot be read');
  } else if (pidNamespace !== FIRST_PID_NAMESPACE) {
    gaps.push('this process is in a container, and sees the processes of that container only');
  } else if (!processes.some(({ pid }) => pid === 1)) {
    gaps.push('/proc hides the processes of other users');
  }
  if (unreadable > 0) gaps.push(`the names of ${unreadable} processes cannot be read`);
  if (!complete) gaps.push('there is more in /proc than is looked at');
  if (udpPorts === undefined) gaps.push('/proc/1/net/udp cannot be read');
  if (paths === undefined) gaps.push('/run may not be that of the machine');
  return gaps;
}

/** Signs of a daemon that is not among the processes. */
function tracesIn({ processes, udpPorts = [], paths = [] }: SteeringFacts): string[] {
  return [
    ...called(MULTI_CALL, processes).map((process) => `${process}, which may be a time daemon`),
    ...DAEMON_PORTS.filter((port) => udpPorts.includes(port)).map(
      (port) => `UDP port ${port} is in use, but no known time daemon is seen`,
    ),
    ...paths
      .slice(0, MAX_SENTENCES)
      .map((path) => `${path} exists, but no known time daemon is seen`),
  ];
}
