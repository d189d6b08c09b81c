/**
 * Arguments of `connect` and `listen` in one form, as Node brings them there.
 */

import { describe, expect, it } from 'vitest';
import * as nodeNet from 'node:net';
import { isPipeName, isPort, normalizeArguments, toNumber } from '../../../src/io/net/arguments.ts';

const asNode = (nodeNet as unknown as { _normalizeArgs(args: unknown[]): unknown[] })
  ._normalizeArgs;
const callback = (): void => {};

describe('normalizeArguments', () => {
  const forms: unknown[][] = [
    [],
    [callback],
    [80],
    [80, 'host'],
    ['80', 'host', callback],
    ['/path', callback],
    [{ port: 1 }],
    [{ path: 'x' }, callback],
    [null],
    [80, callback],
    [undefined, 'host'],
  ];
  it.each(forms.map((form) => [form]))('says of %j what Node does', (form) => {
    expect([...normalizeArguments(form)]).toEqual([...asNode(form)]);
  });

  it('takes what was brought into form before', () => {
    const once = normalizeArguments([80, callback]);
    expect(normalizeArguments([once])).toBe(once);
    const byNode = asNode([80, callback]);
    expect(normalizeArguments([byNode])).toBe(byNode);
  });
});

describe('names and numbers', () => {
  it('tells ports from paths', () => {
    expect(['80', '/x', 'x', '-1'].map(isPipeName)).toEqual([false, true, true, true]);
    expect([isPipeName(80), toNumber('7'), toNumber('x'), toNumber(-1)]).toEqual([
      false,
      7,
      false,
      false,
    ]);
    expect([0, '0', '0x50', 65_535].every(isPort)).toBe(true);
    expect([-1, 65_536, '', ' ', 1.5, 'x', null, true, {}].some(isPort)).toBe(false);
  });
});
