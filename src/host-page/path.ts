import { resolve } from 'node:path';
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';

/**
 * The path from the root: the file is opened again and again, and the process may change its
 * directory meanwhile.
 *
 * @throws ArgumentTypeError, ArgumentRangeError unless `path` can be a file's
 */
export function checkPath(path: string): string {
  if (typeof path !== 'string') throw new ArgumentTypeError('path', 'a string', path);
  if (path === '' || path.length > 4000 || path.includes('\0')) {
    throw new ArgumentRangeError('path', 'the path of a file', path);
  }
  return resolve(path);
}
