/** Stamps in the headers of requests, as a service sees them: Node's object, with ten others. */
import { HybridClock } from 'epsilon-clock';
import { extract, inject, PropagationCounts } from 'epsilon-clock/propagation';
import type { Row } from '../row.ts';
import { boundedClock } from '../worlds.ts';
import { kept, MASK, ring } from './kept.ts';

const HEADERS = {
  host: 'orders:8080',
  'user-agent': 'undici',
  accept: '*/*',
  'accept-language': '*',
  'accept-encoding': 'gzip, deflate',
  'content-type': 'application/json',
  'content-length': '2',
  'x-request-id': '01a1fbea-210e-7660-b4c0-000000000000',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  connection: 'keep-alive',
};

export async function propagation(): Promise<Row[]> {
  const { clock } = await boundedClock(5);
  const sender = new HybridClock({ clock, nodeId: 'billing-1' });
  const hlc = new HybridClock({ clock, nodeId: 'orders-3' });
  const options = { trust: true, counts: new PropagationCounts() };
  const requests = ring(() => ({ ...HEADERS, 'epsilon-hlc': sender.stamp() as string }));
  return [
    {
      id: 'propagation.inject',
      operation: '`inject(hlc, headers)`',
      run: (i) => {
        kept[i & MASK] = inject(sender, requests[i & MASK]!);
      },
    },
    {
      id: 'propagation.extract',
      operation: '`extract(hlc, headers, { trust: true })`',
      run: (i) => {
        kept[i & MASK] = extract(hlc, requests[i & MASK]!, options);
      },
    },
    {
      id: 'propagation.both',
      operation: 'both, one after the other',
      run: (i) => {
        const request = requests[i & MASK]!;
        inject(sender, request);
        kept[i & MASK] = extract(hlc, request, options);
      },
      target: { ns: 400 },
    },
    {
      id: 'propagation.absent',
      operation: '`extract` where there is no such header',
      run: (i) => {
        kept[i & MASK] = extract(hlc, HEADERS, options);
      },
    },
  ];
}
