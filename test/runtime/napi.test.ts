/**
 * The list of device queues: what descriptors join and leave, what is listed by hand, and what the
 * kernel is told of it. Queues that exist are for `test/network`; here ids are made up, which the
 * kernel does not mind.
 */

import { describe, expect, it, onTestFinished } from 'vitest';
import {
  IO_URING_NAPI_REGISTER_OP,
  IO_URING_NAPI_STATIC_ADD_ID,
  IO_URING_NAPI_STATIC_DEL_ID,
} from '../../src/native/constants/io-uring.ts';
import { EINVAL } from '../../src/native/errno.ts';
import type { DirectCalls } from '../../src/runtime/direct-calls.ts';
import { Metrics } from '../../src/runtime/metrics.ts';
import { Napi } from '../../src/runtime/napi.ts';
import { resolveOptions } from '../../src/runtime/options.ts';
import type { NapiOptions } from '../../src/runtime/options.ts';
import type { Ring } from '../../src/runtime/ring.ts';
import { Runtime } from '../../src/runtime/runtime.ts';
import { ringTest } from '../support/ring-test.ts';

const ID = 1 << 20;

interface Given {
  readonly napi: Napi;
  readonly metrics: Metrics;
  /** Register calls: opcode and parameter. */
  readonly told: [opcode: number, parameter: number][];
  /** Queue of each descriptor. */
  readonly queues: Map<number, number>;
}

/** A list whose kernel writes down what it is told, and answers with `answer`. */
function given(
  options: NapiOptions | undefined,
  answer: (opcode: number) => number = () => 0,
): Given {
  const told: Given['told'] = [];
  const queues = new Map<number, number>();
  const metrics = new Metrics();
  const scratch = { buffer: new ArrayBuffer(64), address: 4096 };
  const ring = {
    scratch,
    register: () => {
      const view = new DataView(scratch.buffer);
      told.push([view.getUint8(5), view.getUint32(8, true)]);
      return answer(view.getUint8(5));
    },
  } as unknown as Ring;
  const calls = {
    getOption: (fd: number) => queues.get(fd) ?? 0,
  } as unknown as DirectCalls;
  const resolved = resolveOptions(options === undefined ? {} : { napi: options }).napi;
  return { napi: new Napi(ring, calls, metrics, resolved), metrics, told, queues };
}

/** Codes of the warnings from now until the end of the test. */
function warnings(): string[] {
  const codes: string[] = [];
  const onWarning = (warning: Error): void => {
    codes.push((warning as Error & { code: string }).code);
  };
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  return codes;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Napi, not asked for', () => {
  it('tells the kernel nothing, and asks descriptors nothing', () => {
    const { napi, told, queues } = given(undefined);
    queues.set(3, ID);
    expect([napi.tracking, napi.reason, napi.join(3), napi.ids]).toEqual([
      'inactive',
      null,
      -1,
      [],
    ]);
    napi.leave(-1);
    expect(told).toEqual([]);
    expect(() => napi.add(ID)).toThrow(expect.objectContaining({ code: 'ERR_NAPI_NOT_STATIC' }));
  });
});

describe('Napi, refused', () => {
  it('is inactive, says why, and warns', async () => {
    const codes = warnings();
    const { napi } = given({ tracking: 'static' }, () => -EINVAL);
    await nextTurn();
    expect(napi.tracking).toBe('inactive');
    expect(napi.reason).toMatch(/EINVAL.*Linux 6\.13/);
    expect(codes).toEqual(['ONERING_NAPI_UNAVAILABLE']);
  });

  it('is so without a ring', async () => {
    const codes = warnings();
    const runtime = new Runtime({ backend: 'libuv', napi: {} });
    onTestFinished(() => runtime.close());
    await nextTurn();
    expect(codes).toEqual(['ONERING_NAPI_UNAVAILABLE']);
    expect(() => runtime.napi).toThrow(expect.objectContaining({ code: 'ERR_URING_UNAVAILABLE' }));
  });
});

describe('Napi, static', () => {
  it('lists a queue with its first descriptor, and takes it off with its last', () => {
    const { napi, metrics, told, queues } = given({ tracking: 'static' });
    queues
      .set(3, ID)
      .set(4, ID)
      .set(5, ID + 1);
    expect([napi.join(3), napi.join(4), napi.join(5)]).toEqual([ID, ID, ID + 1]);
    expect(napi.ids).toEqual([ID, ID + 1]);
    napi.leave(ID);
    expect(napi.ids).toEqual([ID, ID + 1]);
    napi.leave(ID);
    expect(napi.ids).toEqual([ID + 1]);
    expect(told).toEqual([
      [IO_URING_NAPI_REGISTER_OP, 1],
      [IO_URING_NAPI_STATIC_ADD_ID, ID],
      [IO_URING_NAPI_STATIC_ADD_ID, ID + 1],
      [IO_URING_NAPI_STATIC_DEL_ID, ID],
    ]);
    expect([metrics.napiIdsAdded, metrics.napiIdsRemoved]).toEqual([2, 1]);
  });

  it('keeps what was listed by hand until that is taken back by hand', () => {
    const { napi, queues } = given({ tracking: 'static' });
    queues.set(3, ID);
    expect([napi.add(ID), napi.add(ID)]).toEqual([true, false]);
    napi.join(3);
    napi.leave(ID);
    expect(napi.ids).toEqual([ID]);
    napi.join(3);
    expect([napi.delete(ID), napi.delete(ID)]).toEqual([true, false]);
    expect(napi.ids).toEqual([ID]);
    napi.leave(ID);
    expect(napi.ids).toEqual([]);
  });

  it('tells a descriptor without a queue to ask again, once', async () => {
    const codes = warnings();
    const { napi, metrics, queues } = given({ tracking: 'static' });
    expect(napi.join(3)).toBe(0);
    queues.set(3, ID);
    expect(napi.joinLate(3)).toBe(ID);
    expect([napi.joinLate(4), napi.joinLate(5)]).toEqual([-1, -1]);
    await nextTurn();
    expect(metrics.napiSocketsWithoutId).toBe(2);
    expect(codes).toEqual(['ONERING_NAPI_NO_ID']);
  });

  it('leaves alone what the kernel will not list', () => {
    const { napi, queues } = given({ tracking: 'static' }, (opcode) =>
      opcode === IO_URING_NAPI_STATIC_ADD_ID ? -EINVAL : 0,
    );
    queues.set(3, 5);
    expect(napi.join(3)).toBe(-1);
    expect(napi.ids).toEqual([]);
    expect(() => napi.add(5)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(napi.ids).toEqual([]);
  });

  it('tells a ring that ends nothing', () => {
    const { napi, told, queues } = given({ tracking: 'static' });
    queues.set(3, ID);
    napi.join(3);
    const before = told.length;
    napi.end();
    napi.leave(ID);
    expect(told).toHaveLength(before);
  });

  it.each([0, -1, 1.5, 2 ** 31, '5', undefined])('refuses %j as an id', (id) => {
    const { napi } = given({ tracking: 'static' });
    expect(() => napi.add(id as number)).toThrow(/id/);
    expect(() => napi.delete(id as number)).toThrow(/id/);
  });

  ringTest('6.13', 'is what the kernel has on its list', ({ open }) => {
    const { napi } = open({ napi: { tracking: 'static', busyPollMicros: 100 } });
    expect([napi.tracking, napi.busyPollMicros, napi.reason]).toEqual(['static', 100, null]);
    expect(napi.add(ID)).toBe(true);
    expect(napi.ids).toEqual([ID]);
    expect(napi.delete(ID)).toBe(true);
    expect(() => napi.add(1)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });
});

describe('Napi, dynamic', () => {
  it('asks descriptors until it knows whether there are queues at all', async () => {
    const codes = warnings();
    const { napi, told, queues } = given({});
    expect(napi.join(3)).toBe(0);
    queues.set(4, ID);
    expect(napi.join(4)).toBe(-1);
    // One queue was seen: busy polling works, and nobody need be asked again.
    expect(napi.joinLate(3)).toBe(-1);
    await nextTurn();
    expect([codes, napi.ids]).toEqual([[], []]);
    expect(told).toEqual([[IO_URING_NAPI_REGISTER_OP, 0]]);
  });

  ringTest('6.9', 'is accepted by the kernel', ({ open }) => {
    const { napi } = open({ napi: { tracking: 'dynamic', prefer: true } });
    expect([napi.tracking, napi.prefer, napi.reason]).toEqual(['dynamic', true, null]);
  });
});
