import { queryObjects, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collects all garbage. */
export const collect = runInNewContext('gc') as () => void;

/** The bytes in objects and array buffers after collecting all garbage. */
export function held(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** The objects of all kinds after collecting all garbage. Compiled code is not among them. */
export function heldObjects(): number {
  collect();
  return queryObjects(Object) as unknown as number;
}
