/** No cloud is at hand: these show what is asked, and as what its answers are taken. */
import { BoundedClock } from 'epsilon-clock';
import { awsTime, azureTime, googleTime } from 'epsilon-clock/node';
import { expect, test } from 'vitest';
import { HandClock } from '../kit/hand-clock.ts';
import { RecordingSink } from '../kit/recording-sink.ts';
import { type Reaction, ScriptedNetwork } from '../kit/scripted-network.ts';

const HONEST: Reaction = { answer: {} };

test('each is a source with its timescale', () => {
  expect(awsTime()).toMatchObject({
    name: 'ntp://169.254.169.123:123',
    timescale: 'smear-24h',
    maxEndpoints: 1,
  });
  expect(googleTime()).toMatchObject({
    name: 'ntp://metadata.google.internal:123',
    timescale: 'smear-24h',
    maxEndpoints: 1,
  });
  expect(azureTime()).toMatchObject({ name: 'chrony://127.0.0.1:323', timescale: 'unknown' });
  expect(azureTime({ timescale: 'utc', host: '::1' })).toMatchObject({
    name: 'chrony://[::1]:323',
    timescale: 'utc',
  });
});

test.each([
  [awsTime, { timescale: 'utc' }, 'there is no option timescale'],
  [googleTime, { timescale: 'utc' }, 'there is no option timescale'],
  [awsTime, { port: 1 }, 'there is no option port'],
  [googleTime, { pollIntervalMs: 0 }, 'pollIntervalMs'],
])('%o refuses %o', (preset, options, message) => {
  expect(() => preset(options as never)).toThrow(message);
});

test.each([
  ['the IPv4 address, where it answers', [], '169.254.169.123'],
  ['the IPv6 address, where the other one does not', ['169.254.169.123'], 'fd00:ec2::123'],
])('Amazon: one vote, %s', async (_, dead, address) => {
  const clock = new HandClock();
  const network = new ScriptedNetwork(clock, (asked) =>
    dead.includes(asked) ? 'unreachable' : HONEST,
  );
  const sink = new RecordingSink(clock);
  const source = awsTime({ transport: network, pollIntervalMs: 4000 }).start(sink);
  await clock.elapse(5000);
  expect(sink.samples.length).toBeGreaterThan(0);
  expect(sink.ids).toEqual([`ntp://${address.includes(':') ? `[${address}]` : address}:123`]);
  expect(source.pollIntervalMs).toBe(4000);
  source.stop();
});

test('explain() shows it', () => {
  const clock = new HandClock();
  const network = new ScriptedNetwork(clock, () => HONEST);
  const bounded = BoundedClock.start({ clock, sources: [awsTime({ transport: network })] });
  expect(bounded.explain().sources.map(({ timescale }) => timescale)).toEqual(['smear-24h']);
  bounded.stop();
});
