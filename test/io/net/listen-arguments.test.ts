/**
 * Where `listen` is told to listen, in all its forms.
 */

import { describe, expect, it } from 'vitest';
import { planListen } from '../../../src/io/net/listen-arguments.ts';

const callback = (): void => {};

describe('planListen', () => {
  it.each([
    [[], { kind: 'port', port: 0, host: undefined }, 511],
    [[callback], { kind: 'port', port: 0, host: undefined }, 511],
    [[null], { kind: 'port', port: 0, host: undefined }, 511],
    [['80', 'host', 7], { kind: 'port', port: 80, host: 'host' }, 7],
    [[80, 5], { kind: 'port', port: 80, host: undefined }, 5],
    [[{ port: 1, backlog: 3 }], { kind: 'port', port: 1, host: undefined }, 3],
    [['/x', 4], { kind: 'path', path: '/x' }, 4],
    [[{ path: 'x' }], { kind: 'path', path: 'x' }, 511],
    [[{ fd: 3 }, 2], { kind: 'fd', fd: 3 }, 2],
    [[{ _handle: {} }], { kind: 'handle' }, 511],
    [[{ handle: {} }], { kind: 'handle' }, 511],
  ])('listen(...%j)', (args, place, backlog) => {
    const plan = planListen(args);
    expect(plan.place).toEqual(place);
    expect(plan.backlog).toBe(backlog);
  });

  it('finds the callback at the end', () => {
    expect(planListen([0, callback]).callback).toBe(callback);
    expect(planListen([0]).callback).toBeNull();
  });

  it.each([[[{}]], [[true]], [[-1]], [[{ port: 70_000 }]], [[{ path: '\0a', writableAll: true }]]])(
    'refuses listen(...%j) as Node does',
    (args) => {
      expect(() => planListen(args)).toThrow(/port|property|Port|argument/);
    },
  );
});
