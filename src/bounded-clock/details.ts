/** What a source tells people of an endpoint, beyond its samples. */
import { ArgumentTypeError } from '../time/errors.ts';

const MAX_DETAILS = 32;
const MAX_DETAIL_LENGTH = 256;

/**
 * A copy of what a source tells people, cut to what is kept: 32 lines of 256 characters.
 *
 * @throws ArgumentTypeError unless it is an array of strings
 */
export function checkDetails(details: readonly string[]): readonly string[] {
  if (!Array.isArray(details)) throw new ArgumentTypeError('details', 'an array', details);
  return details.slice(0, MAX_DETAILS).map((line: unknown) => {
    if (typeof line !== 'string') throw new ArgumentTypeError('details', 'strings', line);
    return line.slice(0, MAX_DETAIL_LENGTH);
  });
}
