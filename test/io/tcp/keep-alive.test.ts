/**
 * Probes on a descriptor: libuv's patience where only a delay is given, and what is given.
 */

import { describe, expect } from 'vitest';
import { applyKeepAlive, NO_KEEP_ALIVE } from '../../../src/io/tcp/keep-alive.ts';
import type { KeepAlive } from '../../../src/io/tcp/keep-alive.ts';
import * as sockets from '../../../src/native/constants/sockets.ts';
import { ringTest } from '../../support/ring-test.ts';

describe('applyKeepAlive', () => {
  ringTest('6.1', 'is as patient as it is told to be, and as libuv without that', ({ open }) => {
    const engine = open().requireEngine();
    const { calls } = engine;
    const seen = (...steps: KeepAlive[]): number[] => {
      const fd = calls.socket(sockets.AF_INET, sockets.SOCK_STREAM, sockets.IPPROTO_TCP);
      for (const step of steps) applyKeepAlive(engine, fd, step);
      const { TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT } = sockets;
      const values = [TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT].map((option) =>
        calls.getOption(fd, sockets.IPPROTO_TCP, option),
      );
      const isOn = calls.getOption(fd, sockets.SOL_SOCKET, sockets.SO_KEEPALIVE);
      calls.close(fd);
      return [isOn, ...values];
    };
    const [, idle = 0, interval = 0, count = 0] = seen(NO_KEEP_ALIVE);
    expect(seen({ isOn: true, delay: 0 })).toEqual([1, idle, interval, count]);
    expect(seen({ isOn: true, delay: 5 })).toEqual([1, 5, 1, 10]);
    expect(seen({ isOn: true, delay: 5, interval: 2, count: 3 })).toEqual([1, 5, 2, 3]);
    expect(seen({ isOn: true, delay: 5, interval: 0 })).toEqual([1, idle, interval, count]);
    expect(seen({ isOn: true, delay: 5 }, NO_KEEP_ALIVE)).toEqual([0, 5, 1, 10]);
  });
});
