/**
 * The pooled record: what a fresh one looks like, and that its shape never changes.
 */

import { describe, expect, it } from 'vitest';
import { ignoreCompletion, Operation } from '../../src/runtime/operation.ts';
import { OperationTable } from '../../src/runtime/operation-table.ts';

describe('Operation', () => {
  it('begins free, with nothing kept and nobody to tell', () => {
    expect({ ...new Operation(7) }).toEqual({
      index: 7,
      generation: 0,
      isInFlight: false,
      isReferenced: false,
      runsUserCode: false,
      isMultishot: false,
      isLinked: false,
      makesDescriptor: false,
      complete: ignoreCompletion,
      result: 0,
      keep: null,
      context: null,
      resolve: null,
      reject: null,
      syscall: '',
      path: undefined,
      signal: null,
      binding: null,
      nextFree: null,
    });
  });

  it('has the same fields in the same order in every state', () => {
    const fields = Object.keys(new Operation(0));
    const table = new OperationTable();
    const operation = table.acquire(ignoreCompletion, 'read');
    operation.keep = new Uint8Array(1);
    operation.path = '/file';
    operation.signal = new AbortController().signal;
    expect(Object.keys(operation)).toEqual(fields);
    table.release(operation);
    expect(Object.keys(operation)).toEqual(fields);
  });
});

describe('ignoreCompletion', () => {
  it('does nothing and returns nothing', () => {
    expect(ignoreCompletion()).toBeUndefined();
  });
});
