/**
 * Options: defaults, rounding, what depends on what, and that each bad value is named by an error
 * with a `code`.
 */

import { describe, expect, it } from 'vitest';
import {
  boolean,
  integer,
  resolveOptions,
  validateNames,
  validateObject,
} from '../../src/runtime/options.ts';
import type { RuntimeOptions } from '../../src/runtime/options.ts';

/** Resolves what a program in JavaScript might pass. */
function resolve(options: unknown): ReturnType<typeof resolveOptions> {
  return resolveOptions(options as RuntimeOptions);
}

/** The error that bad options end with. */
function refusal(options: unknown): { code?: unknown; message?: string } {
  try {
    resolve(options);
  } catch (error) {
    return error as { code?: unknown; message?: string };
  }
  throw new Error('The options were accepted');
}

describe('resolveOptions, defaults', () => {
  it('fills in every field', () => {
    expect(resolveOptions()).toEqual({
      backend: 'auto',
      entries: 1024,
      completionEntries: 4096,
      completionEntriesMax: 65_536,
      resize: { pressedBatches: 4, quietMs: 10_000 },
      busyWaitMicros: 0,
      minWait: { count: 1, micros: 0 },
      registeredWaits: true,
      receiveBuffers: 256,
      receiveBufferSize: 16_384,
      napi: null,
    });
  });

  it('takes undefined for not given', () => {
    const names = Object.keys(resolveOptions());
    const options = Object.fromEntries(names.map((name) => [name, undefined]));
    expect(resolve(options)).toEqual(resolveOptions());
  });

  it.each([
    [true, { pressedBatches: 4, quietMs: 10_000 }],
    [false, false],
    [{}, { pressedBatches: 4, quietMs: 10_000 }],
    [{ quietMs: 2.5 }, { pressedBatches: 4, quietMs: 2.5 }],
    [{ pressedBatches: 1 }, { pressedBatches: 1, quietMs: 10_000 }],
  ])('resolves resize: %j', (resize, expected) => {
    expect(resolve({ resize }).resize).toEqual(expected);
  });
});

describe('resolveOptions, napi', () => {
  it.each([
    [{}, { tracking: 'dynamic', busyPollMicros: 50, prefer: false }],
    [
      { tracking: 'static', busyPollMicros: 10_000, prefer: true },
      { tracking: 'static', busyPollMicros: 10_000, prefer: true },
    ],
  ])('resolves %j', (napi, expected) => {
    expect(resolve({ napi }).napi).toEqual(expected);
  });

  it.each([
    [true, 'ERR_INVALID_ARG_TYPE', '"options.napi"'],
    [{ tracking: 'both' }, 'ERR_INVALID_ARG_VALUE', "'options.napi.tracking'"],
    [{ busyPollMicros: 0 }, 'ERR_OUT_OF_RANGE', '"options.napi.busyPollMicros"'],
    [{ busyPollMicros: 10_001 }, 'ERR_OUT_OF_RANGE', '"options.napi.busyPollMicros"'],
    [{ prefer: 1 }, 'ERR_INVALID_ARG_TYPE', '"options.napi.prefer"'],
    [{ busyPollMicro: 1 }, 'ERR_INVALID_ARG_VALUE', 'did you mean "busyPollMicros"'],
  ])('refuses %j', (napi, code, text) => {
    const error = refusal({ napi });
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });
});

describe('resolveOptions, sizes', () => {
  /** Submission entries, completion entries, and the limit of the latter. */
  function sizes(options: RuntimeOptions): number[] {
    const { entries, completionEntries, completionEntriesMax } = resolveOptions(options);
    return [entries, completionEntries, completionEntriesMax];
  }

  it.each<[RuntimeOptions, number[]]>([
    [{ entries: 1 }, [1, 4, 65_536]],
    [{ entries: 100 }, [128, 512, 65_536]],
    [{ entries: 32_768 }, [32_768, 65_536, 65_536]],
    [{ completionEntries: 64 }, [64, 64, 65_536]],
    [{ completionEntries: 100 }, [128, 128, 65_536]],
    [{ completionEntries: 1 }, [1, 1, 65_536]],
    [{ completionEntries: 65_536 }, [1024, 65_536, 65_536]],
    [{ completionEntriesMax: 100 }, [128, 128, 128]],
    [{ completionEntriesMax: 2048 }, [1024, 2048, 2048]],
    [{ completionEntries: 1000, completionEntriesMax: 1000 }, [1024, 1024, 1024]],
    [{ entries: 64, completionEntries: 64, completionEntriesMax: 64 }, [64, 64, 64]],
    [{ entries: 100, completionEntries: 100 }, [128, 128, 65_536]],
  ])('resolves %j', (options, expected) => {
    expect(sizes(options)).toEqual(expected);
  });

  it.each<[RuntimeOptions, string]>([
    [{ entries: 64, completionEntries: 32 }, 'options.completionEntries'],
    [{ completionEntries: 128, completionEntriesMax: 64 }, 'options.completionEntriesMax'],
    [{ entries: 65_536 }, 'options.entries'],
    [{ completionEntries: 65_537 }, 'options.completionEntries'],
    [{ completionEntriesMax: 100_000 }, 'options.completionEntriesMax'],
    [{ entries: 0 }, 'options.entries'],
    [{ entries: -1 }, 'options.entries'],
    [{ entries: 1.5 }, 'options.entries'],
    [{ entries: NaN }, 'options.entries'],
    [{ entries: Infinity }, 'options.entries'],
    [{ completionEntries: 0 }, 'options.completionEntries'],
    [{ completionEntries: 2.5 }, 'options.completionEntries'],
    [{ completionEntries: NaN }, 'options.completionEntries'],
    [{ completionEntriesMax: -5 }, 'options.completionEntriesMax'],
    [{ completionEntriesMax: NaN }, 'options.completionEntriesMax'],
  ])('refuses %j', (options, name) => {
    const error = refusal(options);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    expect(error.message).toContain(`"${name}"`);
  });
});

describe('resolveOptions, types', () => {
  it.each([
    [null, '"options" argument'],
    [5, '"options" argument'],
    ['fast', '"options" argument'],
    [[], '"options" argument'],
    [{ backend: 5 }, '"options.backend" property'],
    [{ entries: '64' }, '"options.entries" property'],
    [{ entries: null }, '"options.entries" property'],
    [{ entries: Symbol('n') }, '"options.entries" property'],
    [{ completionEntries: '64' }, '"options.completionEntries" property'],
    [{ completionEntriesMax: '64' }, '"options.completionEntriesMax" property'],
    [{ completionEntriesMax: null }, '"options.completionEntriesMax" property'],
    [{ resize: null }, '"options.resize" property'],
    [{ resize: 1 }, '"options.resize" property'],
    [{ resize: { quietMs: '1' } }, '"options.resize.quietMs" property'],
    [{ busyWaitMicros: true }, '"options.busyWaitMicros" property'],
    [{ minWait: true }, '"options.minWait" property'],
    [{ minWait: { micros: 1 } }, '"options.minWait.count" property'],
    [{ minWait: { count: 1 } }, '"options.minWait.micros" property'],
    [{ registeredWaits: 1 }, '"options.registeredWaits" property'],
    [{ receiveBuffers: '8' }, '"options.receiveBuffers" property'],
  ])('refuses %j', (options, place) => {
    const error = refusal(options);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
    expect(error.message).toContain(`The ${place} must be of type `);
  });

  it.each([
    [{ busyWaitMicros: -1 }, 'options.busyWaitMicros'],
    [{ busyWaitMicros: 1_000_001 }, 'options.busyWaitMicros'],
    [{ minWait: { count: 0, micros: 1 } }, 'options.minWait.count'],
    [{ minWait: { count: 1, micros: 0.5 } }, 'options.minWait.micros'],
    [{ resize: { pressedBatches: 0 } }, 'options.resize.pressedBatches'],
    [{ resize: { quietMs: 0 } }, 'options.resize.quietMs'],
    [{ receiveBuffers: 0 }, 'options.receiveBuffers'],
    [{ receiveBufferSize: 0 }, 'options.receiveBufferSize'],
  ])('refuses %j as out of range', (options, name) => {
    const error = refusal(options);
    expect(error).toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    expect(error.message).toContain(`"${name}"`);
  });

  it.each([[{ backend: 'epoll' }], [{ receiveBuffers: 100 }]])(
    'refuses the value %j',
    (options) => {
      expect(refusal(options)).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    },
  );
});

describe('resolveOptions, names', () => {
  it.each([
    [{ entires: 64 }, 'options.entires', 'entries'],
    [{ busyWaitMicro: 5 }, 'options.busyWaitMicro', 'busyWaitMicros'],
    [{ completionEntrys: 5 }, 'options.completionEntrys', 'completionEntries'],
    [{ Backend: 'uring' }, 'options.Backend', 'backend'],
    [{ resize: { quietMS: 5 } }, 'options.resize.quietMS', 'quietMs'],
    [{ minWait: { cout: 1, micros: 1 } }, 'options.minWait.cout', 'count'],
  ])('names the likely field for %j', (options, given, meant) => {
    const error = refusal(options);
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain(`'${given}'`);
    expect(error.message).toContain(`did you mean "${meant}"`);
  });

  it('refuses a name that is like no other, without a guess', () => {
    const error = refusal({ zebra: 1 });
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    expect(error.message).toContain("'options.zebra' has no such field");
    expect(error.message).not.toContain('did you mean');
  });
});

describe('The checks that other layers use', () => {
  it('integer() requires what has no default', () => {
    expect(integer(3, 'n', undefined, 0, 5)).toBe(3);
    expect(integer(undefined, 'n', 4, 0, 5)).toBe(4);
    expect(() => integer(undefined, 'n', undefined, 0, 5)).toThrow(TypeError);
  });

  it('boolean() takes nothing for a boolean that is none', () => {
    expect([boolean(undefined, 'b', true), boolean(false, 'b', true)]).toEqual([true, false]);
    expect(() => boolean(0, 'b', true)).toThrow('The "b" argument must be of type boolean');
  });

  it('validateObject() and validateNames() accept what is right', () => {
    expect(() => validateObject({}, 'o')).not.toThrow();
    expect(() => validateNames({ a: 1 }, 'o', ['a', 'b'])).not.toThrow();
  });
});
