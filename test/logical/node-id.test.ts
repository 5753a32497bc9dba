import { describe, expect, it } from 'vitest';
import { isNodeId, nodeIdFrom } from '../../src/logical/node-id.ts';

describe('nodeIdFrom', () => {
  it.each<[string, (string | number)[], string]>([
    ['parts are joined', ['orders', 'eu-1', 3], 'orders.eu-1.3'],
    ['a path of a container', ['orders', '/pods/7'], 'orders.-pods-7'],
    ['other alphabets', ['café', 'è'], 'caf-.-'],
    ['an emoji is two characters of JavaScript', ['a😀'], 'a--'],
    ['what separates a stamp', ['a@b'], 'a-b'],
    ['64 characters fit', ['x'.repeat(64)], 'x'.repeat(64)],
  ])('%s', (_, parts, expected) => {
    expect(nodeIdFrom(...parts)).toBe(expected);
    expect(isNodeId(expected)).toBe(true);
  });

  it('long ids that differ late still differ, and have at most 64 characters', () => {
    const [a, b] = ['a', 'b'].map((end) => nodeIdFrom('service', 'y'.repeat(80), end)) as [
      string,
      string,
    ];
    expect(a).not.toBe(b);
    expect(a).toHaveLength(64);
    expect(isNodeId(a)).toBe(true);
    expect(nodeIdFrom('service', 'y'.repeat(80), 'a')).toBe(a);
  });

  it.each<[unknown[], string]>([
    [[], 'ERR_OUT_OF_RANGE'],
    [[''], 'ERR_OUT_OF_RANGE'],
    [[undefined], 'ERR_INVALID_ARG_TYPE'],
    [['a', null], 'ERR_INVALID_ARG_TYPE'],
    [[5n], 'ERR_INVALID_ARG_TYPE'],
  ])('refuses %o', (parts, code) => {
    expect(() => nodeIdFrom(...(parts as string[]))).toThrow(expect.objectContaining({ code }));
  });
});
