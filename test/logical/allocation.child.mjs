// Run by allocation.test.ts with --expose-gc: prints bytes allocated per call, as JSON.
import { HybridClock, systemClock } from '../../dist/index.js';
import { parseTimestampInto } from '../../dist/timestamps.js';

const clock = systemClock();
const hlc = new HybridClock({ clock, nodeId: 'a' });
const slots = new BigInt64Array(2);
const view = new DataView(new ArrayBuffer(16));
view.setBigInt64(8, clock.wallNs());
const remotes = Array.from({ length: 64 }, (_, i) => clock.wallNs() - BigInt(i * 1000));
const texts = remotes.map(String);
const kept = new Array(64).fill(0n);

const operations = {
  tick: () => hlc.tick(),
  nowInto: () => hlc.nowInto(slots, 1),
  writeTo: () => hlc.writeTo(view, 0),
  update: (i) => hlc.update(remotes[i & 63]),
  updateFrom: () => hlc.updateFrom(view, 8),
  parseTimestampInto: (i) => parseTimestampInto(texts[i & 63], slots, 0),
  // The control: a timestamp that escapes is a bigint on the heap, and the method must see it.
  now: (i) => {
    kept[i & 63] = hlc.now();
  },
};

const CALLS = 50_000;
const result = {};
for (const [name, operation] of Object.entries(operations)) {
  // Each operation has a loop of its own. A loop for all of them would call through a table.
  const loop = new Function('operation', 'n', 'for (let i = 0; i < n; i++) operation(i);');
  // Two warm-ups, because after the first one the compiler may optimise the loop again.
  for (let warmUp = 0; warmUp < 2; warmUp++) {
    for (let i = 0; i < 20; i++) loop(operation, CALLS);
    globalThis.gc();
  }
  let least = Number.POSITIVE_INFINITY;
  for (let window = 0; window < 25; window++) {
    const before = process.memoryUsage().heapUsed;
    loop(operation, CALLS);
    const after = process.memoryUsage().heapUsed;
    // A window with a collection in it says nothing.
    if (after >= before) least = Math.min(least, (after - before) / CALLS);
  }
  result[name] = least;
}
console.log(JSON.stringify(result));
