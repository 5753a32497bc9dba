/**
 * The time servers of clouds, each with what it does at a leap second, so that they may stand
 * beside any others. docs/guides/sources-and-profile.md has the facts, and what was not tried.
 */
import type { TimeSource } from '../bounded-clock/time-source.ts';
import { checkOptionNames } from '../time/options.ts';
import { type ChronyOptions, chrony } from './chrony/chrony.ts';
import { ntp } from './ntp/ntp.ts';
import type { NtpEnvironment, NtpOptions } from './ntp/ntp-source.ts';

/**
 * Options of {@link awsTime} and {@link googleTime}: those of `ntp` that leave the server as it is.
 */
export type CloudTimeOptions = Pick<
  NtpOptions & Partial<NtpEnvironment>,
  'pollIntervalMs' | 'timeoutMs' | 'maxRootDistanceMs' | 'transport'
>;

const NAMES: Readonly<Record<keyof CloudTimeOptions, true>> = {
  pollIntervalMs: true,
  timeoutMs: true,
  maxRootDistanceMs: true,
  transport: true,
};

/** Link-local addresses of the Amazon Time Sync Service. They are one service, so one vote. */
const AMAZON = ['169.254.169.123', 'fd00:ec2::123'];
const GOOGLE = 'metadata.google.internal';

/**
 * The Amazon Time Sync Service, on an EC2 instance: `169.254.169.123`, and while that does not
 * answer `fd00:ec2::123`. One vote. It smears leap seconds (`smear-24h`).
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 * @example
 * const clock = BoundedClock.start({ sources: [awsTime(), ntp('10.0.0.7')] });
 * clock.stop();
 */
export function awsTime(options: CloudTimeOptions = {}): TimeSource {
  const given = checkOptionNames(options, NAMES);
  const resolve = async () => AMAZON;
  return ntp(AMAZON[0]!, { ...given, resolve, timescale: 'smear-24h' });
}

/**
 * The time server that Google Cloud gives each virtual machine: `metadata.google.internal`. It
 * smears leap seconds (`smear-24h`).
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 * @example
 * const clock = BoundedClock.start({ sources: [googleTime(), ntp('10.0.0.7')] });
 * clock.stop();
 */
export function googleTime(options: CloudTimeOptions = {}): TimeSource {
  return ntp(GOOGLE, { ...checkOptionNames(options, NAMES), timescale: 'smear-24h' });
}

/**
 * The time of an Azure host, by the chronyd of the virtual machine: as `chrony`. Azure has no time
 * server for guests. Its Linux images let chronyd follow the host's clock (`/dev/ptp_hyperv`).
 *
 * What that clock does at a leap second is not documented for certain, so the timescale is
 * `'unknown'` unless the options say otherwise.
 *
 * @throws ArgumentTypeError, ArgumentRangeError naming the option at fault
 * @example
 * const clock = BoundedClock.start({ sources: [azureTime(), ntp('10.0.0.7')] });
 * clock.stop();
 */
export function azureTime(options: ChronyOptions = {}): TimeSource {
  return chrony(options);
}
