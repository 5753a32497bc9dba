import { hostname } from 'node:os';
import { isMainThread, threadId } from 'node:worker_threads';
import { ArgumentRangeError, ArgumentTypeError } from '../time/errors.ts';
import { nodeIdFrom } from './node-id.ts';

/**
 * A node id for this thread of this process: `service.host.pid`, and in a worker thread
 * `service.host.pid.thread`, by {@link nodeIdFrom}.
 *
 * No two threads that are alive have the same one, as long as hosts have different names. That
 * holds for pods of Kubernetes, processes of `node:cluster` and worker threads. It does not hold
 * where many machines have one name, as in serverless functions: put an id of the instance into
 * `nodeIdFrom` there.
 *
 * @throws ArgumentTypeError (`ERR_INVALID_ARG_TYPE`) when `service` is not a string
 * @throws ArgumentRangeError (`ERR_OUT_OF_RANGE`) when `service` is empty
 * @example
 * const nodeId = hostNodeId('orders'); // such as 'orders.web-3.4711'
 */
export function hostNodeId(service: string): string {
  if (typeof service !== 'string') throw new ArgumentTypeError('service', 'a string', service);
  if (service === '') throw new ArgumentRangeError('service', 'a name', service);
  const thread = isMainThread ? [] : [threadId];
  return nodeIdFrom(service, hostname(), process.pid, ...thread);
}
