/**
 * Where the bound is served: the page, NTP, HTTP, ClockBound's page.
 *
 * They hold on to one clock for as long as the daemon runs, and a reload starts and stops only
 * those whose settings changed. All new ones are started before an old one is stopped, so a reload
 * that fails has changed nothing.
 */
import type { BoundedClock } from '../../bounded-clock/bounded-clock.ts';
import { ClockBoundPublisher } from '../../host-page/clock-bound-publisher.ts';
import { HostClockPublisher } from '../../host-page/host-clock-publisher.ts';
import { NtpServer } from '../../sources/ntp/udp-server.ts';
import { UnavailableError } from '../exit.ts';
import { bracketed } from '../listening.ts';
import { HttpOutput } from './http.ts';
import type { Log } from './log.ts';
import { makeDirectoryOf, pageDirectories, pageIn } from './page-place.ts';
import type { Address, OutputSettings } from './settings.ts';

const KINDS = ['page', 'ntp', 'http', 'clockbound'] as const;
type Kind = (typeof KINDS)[number];

interface Running {
  /** Its settings, to compare. */
  readonly settings: string;
  /** Where it is, for the log. */
  readonly where: string;
  stop(): Promise<void>;
}

/** A change that is prepared: the new outputs run, the old ones still do too. */
export interface OutputChange {
  /** Stops what is no longer wanted. */
  commit(): Promise<void>;
  /** Stops what was started. */
  rollback(): Promise<void>;
}

export class Outputs {
  readonly #clock: BoundedClock;
  readonly #maxUncertaintyMs: number;
  readonly #log: Log;
  #running = new Map<Kind, Running>();

  constructor(clock: BoundedClock, maxUncertaintyMs: number, log: Log) {
    this.#clock = clock;
    this.#maxUncertaintyMs = maxUncertaintyMs;
    this.#log = log;
  }

  /** Where each output is. */
  get where(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#running].map(([kind, { where }]) => [kind, where]));
  }

  /**
   * Starts what `settings` asks for and does not run yet.
   *
   * @throws UnavailableError naming the output; nothing has changed then
   */
  async prepare(settings: OutputSettings): Promise<OutputChange> {
    const next = new Map<Kind, Running>();
    const started: Running[] = [];
    try {
      for (const kind of KINDS) {
        if (settings[kind] === undefined) continue;
        const key = JSON.stringify(settings[kind]);
        const before = this.#running.get(kind);
        if (before?.settings === key) {
          next.set(kind, before);
          continue;
        }
        const running = { settings: key, ...(await this.#start(kind, settings)) };
        started.push(running);
        next.set(kind, running);
      }
    } catch (error) {
      await stopAll(started);
      throw error;
    }
    return {
      commit: async () => {
        const before = [...this.#running.values()];
        this.#running = next;
        const kept = new Set(next.values());
        await stopAll(before.filter((each) => !kept.has(each)));
      },
      rollback: () => stopAll(started),
    };
  }

  /** Stops all of them. */
  async stop(): Promise<void> {
    await stopAll([...this.#running.values()]);
    this.#running.clear();
  }

  async #start(kind: Kind, settings: OutputSettings): Promise<Omit<Running, 'settings'>> {
    switch (kind) {
      case 'page':
        return this.#startPage(settings.page!);
      case 'clockbound':
        return this.#startClockBound(settings.clockbound!);
      case 'ntp':
        return this.#startNtp(settings.ntp!);
      case 'http': {
        const { host, port } = settings.http!.address;
        const output = await HttpOutput.start(
          this.#clock,
          settings.http!,
          this.#maxUncertaintyMs,
        ).catch(unavailable(`serve HTTP at ${bracketed(host)}:${port}`));
        return { where: output.url, stop: () => output.stop() };
      }
    }
  }

  async #startPage(chosen: string | true): Promise<Omit<Running, 'settings'>> {
    const path = chosen === true ? await defaultPage() : chosen;
    const output = await makeDirectoryOf(path)
      .then(() => HostClockPublisher.start({ clock: this.#clock, path }))
      .catch(unavailable(`publish the page ${path}`));
    output.onTrouble((trouble) => this.#report('page', trouble));
    return { where: output.path, stop: () => output.stop() };
  }

  async #startClockBound(path: string): Promise<Omit<Running, 'settings'>> {
    const output = await makeDirectoryOf(path)
      .then(() => ClockBoundPublisher.start({ clock: this.#clock, path }))
      .catch(unavailable(`publish ClockBound's page ${path}`));
    output.onTrouble((trouble) => this.#report('clockbound', trouble));
    return { where: output.path, stop: () => output.stop() };
  }

  async #startNtp({ host, port }: Address): Promise<Omit<Running, 'settings'>> {
    const output = await NtpServer.start({ clock: this.#clock, host, port }).catch(
      unavailable(`serve NTP at ${bracketed(host)}:${port}`),
    );
    return { where: `${bracketed(output.address)}:${output.port}`, stop: () => output.stop() };
  }

  /** A page that cannot be written, such as on a full disk. The other outputs go on. */
  #report(output: Kind, error: Error | undefined): void {
    if (error === undefined) this.#log.writeLimited('info', 'output-recovered', { output });
    else this.#log.writeLimited('error', 'output-failed', { output, message: reasonOf(error) });
  }
}

async function defaultPage(): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const directories = pageDirectories(uid, process.env);
  const path = await pageIn(directories, uid);
  if (path !== undefined) return path;
  throw new UnavailableError(
    `no directory for the page: none of ${directories.join(', ')} is ours alone; say --page <path>`,
  );
}

async function stopAll(outputs: readonly Running[]): Promise<void> {
  // One that cannot stop, such as a page on a full disk, must not keep the others.
  await Promise.allSettled(outputs.map((output) => output.stop()));
}

const unavailable =
  (what: string) =>
  (error: unknown): never => {
    if (error instanceof UnavailableError) throw error;
    throw new UnavailableError(`cannot ${what}: ${reasonOf(error)}`);
  };

/** The system's code where it says all, such as EADDRINUSE; otherwise the message. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return `${code} (not permitted to this user)`;
  return code !== undefined && !code.startsWith('ERR_') ? code : message;
}
