/**
 * `epsilon-clock/lease`: leases that no pause can break, and the fences that check their tokens. A
 * lease alone protects nothing that does not check the token. Loads without Node.
 *
 * @module
 */
export type {
  DurationAnswer,
  DurationClaim,
  DurationExtension,
  DurationStore,
} from './lease/duration-store.ts';
export { Election, type ElectionEvent } from './lease/election.ts';
export {
  FencedOutError,
  LeaseLostError,
  type LeaseLostReason,
  LeaseStoreError,
  LeaseTimeoutError,
} from './lease/errors.ts';
export {
  type DurableFence,
  Fence,
  type FenceOptions,
  fencingTokenHeader,
} from './lease/fence.ts';
export { Lease, type LeaseStats, type RenewOptions } from './lease/lease.ts';
export type { AcquireOptions, LeaseOptions } from './lease/lease-options.ts';
export type {
  LeaseAnswer,
  LeaseClaim,
  LeaseExtension,
  LeaseRecord,
  LeaseStore,
  StoreCallOptions,
} from './lease/lease-store.ts';
export { type EtcdOptions, etcdLeases } from './lease/stores/etcd.ts';
export { type MemoryOptions, memoryLeases } from './lease/stores/memory.ts';
export { type NatsBucket, type NatsEntry, natsLeases } from './lease/stores/nats.ts';
export {
  type PostgresOptions,
  type PostgresQuery,
  postgresLeases,
  postgresLeaseTables,
} from './lease/stores/postgres.ts';
export {
  type FenceTriggerOptions,
  postgresFence,
  postgresFenceTrigger,
} from './lease/stores/postgres-fence.ts';
export {
  type RedisEval,
  type RedisOptions,
  redisFence,
  redisLeases,
} from './lease/stores/redis.ts';
