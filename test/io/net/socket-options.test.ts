/**
 * Options of sockets, and the sockets of Node's that stand in.
 */

import { closeSync, openSync } from 'node:fs';
import * as nodeNet from 'node:net';
import { describe, expect, it } from 'vitest';
import { familyOf, standInFor, streamOptions } from '../../../src/io/net/socket-options.ts';
import {
  AF_UNIX,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from '../../../src/native/constants/sockets.ts';
import { Runtime } from '../../../src/runtime/runtime.ts';
import { ringTest } from '../../support/ring-test.ts';

describe('streamOptions', () => {
  it('completes a copy', () => {
    const given = { allowHalfOpen: 1 as never, keepAliveInitialDelay: -5 };
    expect(streamOptions(given)).toEqual({
      allowHalfOpen: true,
      keepAliveInitialDelay: 0,
      emitClose: false,
      autoDestroy: true,
      decodeStrings: false,
    });
    expect(given.keepAliveInitialDelay).toBe(-5);
    expect(streamOptions(7).fd).toBe(7);
  });

  it('refuses what Node refuses', () => {
    expect(() => streamOptions({ writableObjectMode: true })).toThrow(/not supported/);
    expect(() => streamOptions({ keepAliveInitialDelay: 'x' as never })).toThrow(/keepAlive/);
  });
});

describe('standInFor', () => {
  ringTest('6.1', 'lets Node have what the ring cannot wait for', ({ open }) => {
    const runtime = open();
    const { calls } = runtime.requireEngine();
    expect([standInFor([]), standInFor([{}])]).toEqual([null, null]);
    const fd = calls.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect([familyOf(runtime, fd), standInFor([fd])]).toEqual([AF_UNIX, null]);
    calls.close(fd);
    const nonBlocking = calls.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    expect(familyOf(runtime, nonBlocking)).toBeNull();
    calls.close(nonBlocking);
    const file = openSync('/dev/null', 'r');
    expect(familyOf(runtime, file)).toBeNull();
    closeSync(file);
    for (const bad of [-1, 1.5, 'x', null]) expect(familyOf(runtime, bad)).toBeNull();
  });

  it('lets Node have everything where there is no ring', async () => {
    const runtime = new Runtime({ backend: 'libuv' });
    expect(standInFor([])).toBeInstanceOf(nodeNet.Socket);
    await runtime.close();
  });
});
