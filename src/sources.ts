/**
 * `epsilon-clock/sources`: for everybody who writes a source of time. Loads without Node.
 *
 * @module
 */
export {
  type AskedFacts,
  type PollingSourceOptions,
  pollingSource,
} from './sources/polling-source.ts';
export { type ExchangeFacts, type ServerFacts, sampleFrom } from './sources/sample-from.ts';
