/**
 * The files that the generic tester changes unless it is told others, and the tests that must
 * notice: the file's own, and those of the class that it is a part of where it has none.
 */
const READER = [
  'test/bounded-clock/bounded-clock.test.ts',
  'test/bounded-clock/bounded-reader.test.ts',
  'test/bounded-clock/reader-curves.test.ts',
  'test/bounded-clock/learned-rate.test.ts',
];
const WAITS = [
  'test/commit-wait/wait-until-after.test.ts',
  'test/commit-wait/wait-queue.test.ts',
  'test/commit-wait/wait-until-after-sync.test.ts',
];

/** Paths in the repo. */
export const CORE: Readonly<Record<string, readonly string[]>> = {
  'src/bound/vote.ts': ['test/bound/vote.test.ts'],
  'src/bound/source-cone.ts': ['test/bound/source-cone.test.ts'],
  'src/bound/drift.ts': ['test/bound/drift.test.ts'],
  'src/bound/growth.ts': ['test/bound/growth.test.ts'],
  'src/bound/aged-interval.ts': ['test/bound/aged-interval.test.ts'],
  'src/bound/suspicion.ts': ['test/bound/suspicion.test.ts'],
  'src/bound/leap.ts': ['test/bound/leap.test.ts'],
  'src/bounded-clock/page/page.ts': ['test/bounded-clock/page/page.test.ts'],
  'src/bounded-clock/page/segments.ts': ['test/bounded-clock/page/segments.test.ts'],
  'src/bounded-clock/bounded-reader.ts': READER,
  'src/commit-wait/min-heap.ts': ['test/commit-wait/min-heap.test.ts'],
  'src/commit-wait/min-queue.ts': ['test/commit-wait/min-heap.test.ts'],
  'src/commit-wait/wait-queue.ts': WAITS,
  'src/interval/time-interval.ts': ['test/interval/time-interval.test.ts'],
  'src/interval/agreement.ts': ['test/interval/agreement.test.ts'],
  'src/logical/durable-file.ts': [
    'test/logical/durable-file.test.ts',
    'test/logical/durable-callbacks.test.ts',
  ],
  'src/logical/hybrid-clock.ts': [
    'test/logical/hybrid-clock.test.ts',
    'test/logical/reserve.test.ts',
  ],
  'src/logical/timestamp.ts': ['test/logical/timestamp.test.ts'],
  'src/logical/timestamp-text.ts': ['test/logical/timestamp.test.ts'],
  'src/logical/timestamp-bytes.ts': [
    'test/logical/timestamp.test.ts',
    'test/logical/hybrid-clock.test.ts',
  ],
  'src/logical/uuidv7.ts': ['test/logical/timestamp.test.ts'],
  'src/sources/ntp/address.ts': ['test/sources/ntp/address.test.ts'],
  'src/sources/ntp/exchange.ts': ['test/sources/ntp/exchange.test.ts'],
  'src/sources/ntp/packet.ts': ['test/sources/ntp/packet.test.ts'],
  'src/sources/ntp/poller.ts': [
    'test/sources/ntp/poller.test.ts',
    'test/sources/ntp/ntp-source.test.ts',
    'test/sources/ntp/callbacks.test.ts',
  ],
  'src/sources/ntp/timestamp.ts': ['test/sources/ntp/timestamp.test.ts'],
  'src/time/convert.ts': ['test/time/convert.test.ts'],
  'src/time/iso.ts': ['test/time/iso.test.ts'],
  'src/time/jump-detector.ts': ['test/time/jump-detector.test.ts'],
  'src/time/rounding.ts': ['test/time/rounding.test.ts'],
  'src/time/wall-offset.ts': ['test/time/wall-offset.test.ts'],
};
