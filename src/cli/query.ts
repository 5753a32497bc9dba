/** `epsilon-clock query`: one NTP exchange, from its bytes to what they prove. */
import { canonicalAddress, ntpUrl } from '../sources/ntp/address.ts';
import { systemResolver } from '../sources/ntp/ntp.ts';
import { systemClock } from '../time/system-clock.ts';
import { answerJson, answerLines } from './answer.ts';
import type { QueryArguments } from './arguments.ts';
import { abortable, ask } from './ask.ts';
import { NoTimeError } from './exit.ts';
import { shortName } from './hosts.ts';
import type { Output } from './output.ts';

/**
 * Asks once and prints the answer. The addresses of a name are tried in turn while the network says
 * that they cannot be reached.
 *
 * @throws NoTimeError when no reply came, or when it was refused (it is printed first); the
 *   signal's reason on abort
 */
export async function query(
  args: QueryArguments,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { timeoutMs, json } = args;
  const { host, port } = args.host;
  const clock = systemClock();
  const addresses = await resolve(host, signal);
  let failure: string = 'no address';
  for (const address of addresses) {
    const outcome = await ask({ endpoint: { address, port }, timeoutMs, clock, signal });
    if (typeof outcome !== 'string') {
      for (const line of json ? [answerJson(outcome)] : answerLines(outcome, output.paint)) {
        output.print(line);
      }
      const { verdict } = outcome;
      if (verdict.kind === 'kiss') throw new NoTimeError(`refused: kiss-o'-death ${verdict.code}`);
      if (verdict.kind === 'refused') throw new NoTimeError(`refused: ${verdict.reason}`);
      return;
    }
    failure = outcome;
    if (failure !== 'unreachable') break;
  }
  throw new NoTimeError(`${shortName(ntpUrl(host, port))}: ${failure}`);
}

async function resolve(host: string, signal: AbortSignal): Promise<string[]> {
  const found = await abortable(
    systemResolver(host).catch(() => {
      throw new NoTimeError(`${host}: the name has no address`);
    }),
    signal,
  );
  return found.map((each) => canonicalAddress(each)).filter((address) => address !== undefined);
}
