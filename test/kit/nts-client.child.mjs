/**
 * A client of the NTS server `address`, in a process of its own, because a network namespace
 * belongs to a process. Prints what came of `wanted` polls as JSON.
 */
import { readFileSync } from 'node:fs';
import { systemClock } from '../../dist/index.js';
import { nts } from '../../dist/node.js';

const [address, ca, wanted] = process.argv.slice(2);
const clock = systemClock();
const widths = [];
const misses = [];
let holding = 0;
let ended = () => {};
const end = new Promise((resolve) => (ended = resolve));
const check = () => {
  if (widths.length + misses.length >= Number(wanted)) ended();
};
const source = nts(address, { ca: readFileSync(ca), pollIntervalMs: 100 }).start({
  clock,
  endpoints: () => {},
  sample: ({ lowerNs, upperNs }) => {
    const theta = clock.wallNs() - clock.monotonicNs();
    const slack = 2n * clock.wallGridNs;
    if (lowerNs - slack <= theta && theta <= upperNs + slack) holding++;
    widths.push(Number(upperNs - lowerNs));
    check();
  },
  miss: (_id, reason, details) => {
    misses.push([reason, details?.cause]);
    check();
  },
});
const keepAlive = setInterval(() => {}, 1000);
await end;
clearInterval(keepAlive);
source.stop();
console.log(JSON.stringify({ samples: widths.length, holding, misses }));
