/** Time namespaces, in which a process has a monotonic clock of its own. */
import { readFileSync } from 'node:fs';

/**
 * Whether the monotonic clock of this process is not that of the machine
 * (https://man7.org/linux/man-pages/man7/time_namespaces.7.html).
 */
export function hasOwnMonotonicClock(): boolean {
  try {
    const offsets = readFileSync('/proc/self/timens_offsets', 'latin1');
    return !/^monotonic\s+0\s+0$/m.test(offsets);
  } catch {
    return false; // a kernel without time namespaces
  }
}
