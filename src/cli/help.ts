/** The text that `--help` prints. Every line fits 80 columns. */
import type { CommandName } from './arguments.ts';

const EXIT_CODES = `Exit codes:
  0    done
  1    unexpected failure
  2    no time: there was no bound within --timeout, or the server could not be
       reached, or what it said proves nothing
  64   wrong usage
  130  interrupted (Ctrl-C); 143 terminated, 129 hung up`;

const HOSTS = `Hosts: name, name:port, address, [v6]:port. The default port is 123. Besides,
for watch, now and serve: nts://host (authenticated), chrony: (chronyd on this
machine, or chrony://address:port), clockbound: (or clockbound:///path), aws:
google: azure: (the time of these clouds), a timeHandler at https://host/path,
and as a witness roughtime://host?key=<base64>.`;

const CLOCK_OPTIONS = `  --timeout <t>         give up when there is no bound after this long
                        (default 10s)
  --poll <t>            how often to ask each server (default 16s on private and
                        loopback addresses, 64s on public ones, 4s on the
                        embedded servers; never below 16s on public ones)
  --host-clock <kind>   disciplined (default): a daemon may slew this machine's
                        clock; free-running: none does; detect: look in /proc
  --max-drift-ppm <n>   the largest rate error of this machine's clock
                        (default 200, and 500 unless disciplined)
  --json                JSON, int64 as decimal strings
  -h, --help            this text

Durations: 500ms, 5s, 2m, 1h.`;

const TEXTS: Readonly<Record<CommandName | 'general', string>> = {
  general: `epsilon-clock: what time it is, and how wrong that can be

Usage:
  epsilon-clock watch [host...]   a live view of the bound and the sources
  epsilon-clock now [host...]     one reading, as soon as the sources agree
  epsilon-clock serve <host...>   a daemon: one clock for the whole host
  epsilon-clock query <host>      one NTP exchange: every field, what it proves
  epsilon-clock order <file...>   log files of many hosts in one order, and what
                                  is certain of it

Without a host, watch and now start five servers on 127.0.0.1, one of which
lies, and show time that is true to this machine's clock, not to UTC.

  epsilon-clock <command> --help
  epsilon-clock --version

${HOSTS}

${EXIT_CODES}
`,
  watch: `epsilon-clock watch [host...]: a live view of the bound and the sources

Shows [earliest, latest], epsilon (half its width) over time, and for each
source whether it agrees, its reach (the last eight polls), its delay and its
offset. On a terminal it redraws in place; otherwise it prints a line per second
and every change. Without a host: five servers on 127.0.0.1, one of which lies
by 250 ms; true to this machine's clock, not to UTC.

Options:
  --for <t>             stop after this long (default: at Ctrl-C)
  --web [address]       serve a live page for browsers too: at a port, host:port
                        or [v6]:port (default 127.0.0.1:1230). It has no login
${CLOCK_OPTIONS}

${HOSTS}
NO_COLOR is respected.

${EXIT_CODES}
`,
  now: `epsilon-clock now [host...]: one reading, as soon as the sources agree

Without a host: five servers on 127.0.0.1, one of which lies by 250 ms; true to
this machine's clock, not to UTC.

Options:
${CLOCK_OPTIONS}

${HOSTS}

${EXIT_CODES}
`,
  serve: `epsilon-clock serve <host...>: one clock for all processes of a host

A daemon that asks the sources and serves the bound: as a page in a file, which
the other processes of this host read at the price of a clock read; as NTP; over
HTTP. It needs no privilege. Its log is JSON lines on standard output.

What to serve (default: --page; once one is named, only those that are named).
Hosts first: behind --ntp and --http a word that ends in a port is an address:
  --page [path]         the page (default: clock in /run/epsilon-clock, in
                        $XDG_RUNTIME_DIR/epsilon-clock, or in
                        /dev/shm/epsilon-clock-<uid>: the first that is ours)
  --ntp [address]       NTP, with the bound as root dispersion: at a port,
                        host:port or [v6]:port (default 127.0.0.1:11123)
  --http [address]      the dashboard at /, /metrics, /health and /time
                        (default 127.0.0.1:1230). It has no login
  --clockbound <path>   a page that the clients of ClockBound read

Options:
  --config <path>       a JSON file with the same and more; what the command
                        line says wins, and hosts there replace the file's
  --poll <t>            how often to ask each server (default 16s on private and
                        loopback addresses, 64s on public ones; never below 16s
                        on public ones)
  --host-clock <kind>   disciplined (default): a daemon may slew this machine's
                        clock; free-running: none does; detect: look in /proc
  --max-drift-ppm <n>   the largest rate error of this machine's clock
                        (default 200, and 500 unless disciplined)
  -h, --help            this text

SIGHUP reads --config again, and keeps what runs if the file is wrong (without
--config it ends the daemon). SIGTERM ends it with exit code 0.

Durations: 500ms, 5s, 2m, 1h.

${HOSTS}

Exit codes:
  0    ended by SIGTERM
  1    unexpected failure
  64   wrong usage, or a wrong configuration
  69   a port or a file cannot be had
  130  interrupted (Ctrl-C); 129 hung up
`,
  query: `epsilon-clock query <host>: one NTP exchange: every field, what it proves

Options:
  --timeout <t>         how long to wait for the reply (default 2s)
  --json                JSON, int64 as decimal strings
  -h, --help            this text

Durations: 500ms, 5s, 2m, 1h.

${HOSTS}

${EXIT_CODES}
`,
  order: `epsilon-clock order <file...>: log files of many hosts in one order

Merges logs by their hybrid timestamps, and shows where the order is certain.
Reads lines of pino, bunyan, winston, OpenTelemetry (OTLP JSON) and of
journalctl -o json, also packed by gzip; - is standard input. A line without a
stamp is placed by its time, which says nothing certain without --uncertainty.
Other lines stay with the record before them.

What to print (default: lines for people):
  --json                each line as it was, and a field "order"
  --check               the lines whose recorded order is certainly wrong
  --why <f:n> <f:n>     what proves the order of two lines, file:number each
  --html <file>         a space-time diagram, one file for the browser
  --format <name>       shiviz: a log with vector clocks for ShiViz;
                        perfetto: a trace for Perfetto

Options:
  --where <name=value>  only lines with this field; may be given several times
  --uncertainty <t>     how wrong the wall clocks may be, for lines without an
                        interval; <node or file>=<t> for one of them
  -f, --follow          go on with what is appended to the files; lines wait
                        for each other for as long as --window
  --window <t>          how far a file may be unsorted (default 5s)
  --max-lead <t>        how far hybrid clocks may be ahead (default 500ms)
  --sort                sort each file first, in temporary files if it is large
  --hlc, --node, --earliest, --latest, --eps, --time <name>
                        names of the fields, where they differ
  --strict              exit code 3 if any line has no place in time
  -h, --help            this text

Durations: 500ms, 5s, 2m, 1h. NO_COLOR is respected.

Exit codes:
  0    done
  1    unexpected failure
  2    no order: a file cannot be read, or is not sorted
  3    --strict: some lines have no place in time
  4    --check: a clock, a message or a bound is certainly wrong
  64   wrong usage
  130  interrupted (Ctrl-C); 143 terminated, 129 hung up
`,
};

export function helpText(topic: CommandName | undefined): string {
  return TEXTS[topic ?? 'general'];
}
