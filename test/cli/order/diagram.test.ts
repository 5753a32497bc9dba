import { describe, expect, it } from 'vitest';
import { type DiagramLine, diagramOf } from '../../../src/cli/order/diagram.ts';
import { htmlPage } from '../../../src/cli/order/html.ts';

const T = 1_795_227_787_534_418_003n;

const line = (nodeId: string, at: bigint, more: Partial<DiagramLine> = {}): DiagramLine => ({
  nodeId,
  timestamp: T + at,
  group: 0,
  watermark: 0,
  text: `${nodeId} at ${at}`,
  ...more,
});

describe('diagramOf', () => {
  it('counts microseconds from the first instant that is shown', () => {
    const { begin, events } = diagramOf('t', [
      line('b', 0n, { earliest: T - 1500n, latest: T + 2001n, group: 3, watermark: 7 }),
      line('a', 10n ** 15n + 1n),
    ]);
    expect(begin).toBe('2026-11-21T02:23:07.534416503Z');
    expect(events[0]).toEqual({
      lane: 1,
      stamp: '1795227787534418003',
      at: 1.5,
      earliest: 0,
      latest: 3.501,
      group: 3,
      watermark: 7,
      text: 'b at 0',
    });
    expect(events[1]).not.toHaveProperty('earliest');
    expect(events[1]?.at).toBe(1_000_000_000_001.501);
  });

  it('has a lane for each node, in the order of the names', () => {
    const { lanes } = diagramOf(
      't',
      ['b', 'c', 'a', 'b'].map((node, i) => line(node, BigInt(i))),
    );
    expect(lanes).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['the event that was stamped for the message', [`${T + 10n}@a`], [[1, 3]]],
    ['the last event before the message', [`${T + 15n}@a`], [[1, 3]]],
    ['no event, when the sender logged none before', [`${T - 1n}@a`], []],
    ['no event, when the log of the sender is missing', [`${T + 10n}@x`], []],
    [
      'each sender of several messages',
      [`${T}@a`, `${T + 20n}@b`],
      [
        [0, 3],
        [2, 3],
      ],
    ],
  ] as const)('an arrow begins at %s', (_, from, messages) => {
    const lines = [line('a', 0n), line('a', 10n), line('b', 20n), line('c', 30n, { from })];
    expect(diagramOf('t', lines).messages).toEqual(messages);
  });

  it('of nothing is empty', () => {
    expect(diagramOf('t', [])).toMatchObject({ lanes: [], events: [], messages: [] });
  });
});

describe('htmlPage', () => {
  it('holds the data as JSON that no text of a log line can leave', () => {
    const text = '</script><script>alert(1)</script> <!-- \u2028';
    const page = htmlPage(diagramOf('</title><b>', [line('a', 0n, { text })]));
    expect(page.match(/<script/g)).toHaveLength(2);
    const [, data] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page) ?? [];
    expect(JSON.parse(data!)).toMatchObject({ title: '</title><b>', events: [{ text }] });
    expect(page).not.toContain('<b>');
  });

  it('refers to nothing outside of the file', () => {
    const page = htmlPage(diagramOf('t', [line('a', 0n)]));
    expect(page.match(/https?:[^'"\s]*/g)).toEqual(['http://www.w3.org/2000/svg']);
    expect(page).toContain("default-src 'none'");
  });
});
