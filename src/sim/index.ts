/**
 * `epsilon-clock/sim`: a deterministic world in which true time is known, for testing code that
 * depends on clocks. docs/guides/simulator.md begins with an example.
 *
 * @module
 */
export {
  type CongestionOptions,
  cloudDelay,
  congested,
  constantDelay,
  type DelayModel,
  internetDelay,
  lanDelay,
  type QueueingDelay,
  queueingDelay,
  routeChange,
  uniformDelay,
} from './delay-models.ts';
export { Oracle, type OracleSummary, type ReportedInterval, type Violation } from './oracle.ts';
export type { OscillatorOptions } from './oscillator.ts';
export { Random } from './random.ts';
export {
  type OpenScenario,
  type OpenScenarioOptions,
  openScenario,
  type Scenario,
  type ScenarioEvent,
  type ServerPlan,
  serverAddress,
} from './scenario.ts';
export {
  type FastCheckModule,
  type ScenarioArbitrary,
  type ScenarioArbitraryOptions,
  scenarioArbitrary,
} from './scenario-arbitrary.ts';
export { type RunAsyncOptions, Scheduler, type SchedulerOptions } from './scheduler.ts';
export type { SimChronydOptions } from './sim-chronyd.ts';
export { type ClockHost, SimClock, type SimClockOptions } from './sim-clock.ts';
export { type LinkOptions, type Receive, type SimAddress, SimNetwork } from './sim-network.ts';
export { type SimNtpBehaviour, SimNtpServer, type SimNtpServerOptions } from './sim-ntp-server.ts';
export {
  type Main,
  type PreemptionOptions,
  SimProcess,
  type SimProcessOptions,
} from './sim-process.ts';
export { SimStorage } from './sim-storage.ts';
export { type SimTransportOptions, simTransport } from './sim-transport.ts';
export { TraceHash } from './trace-hash.ts';
export {
  type SimChronyOptions,
  type SimWitnessOptions,
  SimWorld,
  type SimWorldOptions,
  type WatchedClock,
} from './world.ts';
