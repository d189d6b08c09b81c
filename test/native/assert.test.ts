/**
 * Assertions: that they throw, and with which words.
 */

import { describe, expect, it } from 'vitest';
import { assert, unreachable } from '../../src/native/assert.ts';

describe('assert', () => {
  it('does nothing when the condition holds', () => {
    expect(() => assert(true, 'Never shown')).not.toThrow();
  });

  it('throws with the invariant when it does not', () => {
    expect(() => assert(false, 'A slot inside the region')).toThrow(
      new Error('Assertion failed: A slot inside the region'),
    );
  });
});

describe('unreachable', () => {
  it('throws with the value that got there', () => {
    expect(() => unreachable('submitted' as never)).toThrow(
      new Error('Assertion failed: submitted is not reachable'),
    );
  });
});
