/**
 * The door: the names that Node exports, and nothing missing behind `import` and `require`.
 */

import nodeNet from 'node:net';
import { describe, expect, it } from 'vitest';
import whole, * as net from '../../../src/io/net/net.ts';
import { hasRing } from '../../../src/runtime/availability.ts';

describe('onering/net', () => {
  it('exports what Node exports', () => {
    expect(Object.keys(whole)).toEqual(expect.arrayContaining(Object.keys(nodeNet)));
    for (const name of Object.keys(net)) {
      if (name === 'default' || name === 'module.exports') continue;
      expect((whole as unknown as Record<string, unknown>)[name], name).toBe(
        (net as unknown as Record<string, unknown>)[name],
      );
    }
  });

  it('has Node own functions where there is nothing to do on a ring', () => {
    expect(net.isIP).toBe(nodeNet.isIP);
    expect(net.BlockList).toBe(nodeNet.BlockList);
    net.setDefaultAutoSelectFamilyAttemptTimeout(500);
    expect(nodeNet.getDefaultAutoSelectFamilyAttemptTimeout()).toBe(500);
  });

  it('has classes of its own exactly where there is a ring', () => {
    expect(net.Socket === nodeNet.Socket).toBe(!hasRing());
    expect(net.createConnection).toBe(net.connect);
    expect(net.Stream).toBe(net.Socket);
  });
});
