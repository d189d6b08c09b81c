/**
 * Conditional requests: each condition alone, then who wins when several come together.
 */

import { describe, expect, it } from 'vitest';
import {
  allowsRange,
  evaluateConditions,
  formatLastModified,
  validatorsOf,
} from '../../../bin/serve/conditional.ts';

const timeMs = Date.UTC(1994, 10, 6, 8, 49, 37);
const stats = { ino: 7, size: 5, mtimeMs: timeMs + 250 };
const validators = validatorsOf(stats);
const { etag } = validators;

const same = 'Sun, 06 Nov 1994 08:49:37 GMT';
const before = 'Sun, 06 Nov 1994 08:49:36 GMT';
const after = 'Sun, 06 Nov 1994 08:49:38 GMT';

describe('validatorsOf', () => {
  it('makes a strong tag', () => {
    expect(etag).toMatch(/^"[\w-]+"$/);
  });

  it.each([
    ['inode', { ino: 8 }],
    ['size', { size: 6 }],
    ['time, by less than a second', { mtimeMs: stats.mtimeMs + 0.25 }],
  ])('makes another tag for another %s', (_what, change) => {
    expect(validatorsOf({ ...stats, ...change }).etag).not.toBe(etag);
  });

  it('makes the same tag again', () => {
    expect(validatorsOf({ ...stats }).etag).toBe(etag);
  });
});

describe('formatLastModified', () => {
  it('is in whole seconds', () => {
    expect(formatLastModified(validators, timeMs + 5000)).toBe(same);
  });

  it('is never later than now', () => {
    expect(formatLastModified(validators, timeMs - 1000)).toBe(before);
  });
});

describe('evaluateConditions', () => {
  it.each([
    [{}, 'proceed'],
    [{ 'if-none-match': etag }, 'not-modified'],
    [{ 'if-none-match': `W/${etag}` }, 'not-modified'],
    [{ 'if-none-match': `"a, b", W/"c" ,${etag}` }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"other"' }, 'proceed'],
    [{ 'if-none-match': etag.slice(1, -1) }, 'proceed'],
    [{ 'if-modified-since': same }, 'not-modified'],
    [{ 'if-modified-since': after }, 'not-modified'],
    [{ 'if-modified-since': before }, 'proceed'],
    [{ 'if-modified-since': 'Sunday, 06-Nov-94 08:49:37 GMT' }, 'not-modified'],
    [{ 'if-modified-since': 'Sun Nov  6 08:49:37 1994' }, 'not-modified'],
    [{ 'if-modified-since': 'Sun Nov  6 08:49:36 1994' }, 'proceed'],
    [{ 'if-modified-since': '2094-11-06' }, 'proceed'],
    [{ 'if-modified-since': 'Sun, 99 Nov 2094 08:49:37 GMT' }, 'proceed'],
    [{ 'if-match': etag }, 'proceed'],
    [{ 'if-match': '*' }, 'proceed'],
    [{ 'if-match': `"other", ${etag}` }, 'proceed'],
    [{ 'if-match': `W/${etag}` }, 'precondition-failed'],
    [{ 'if-match': '"other"' }, 'precondition-failed'],
    [{ 'if-unmodified-since': same }, 'proceed'],
    [{ 'if-unmodified-since': before }, 'precondition-failed'],
    [{ 'if-unmodified-since': 'never' }, 'proceed'],
  ])('makes of %j: %s', (headers, outcome) => {
    expect(evaluateConditions(headers, validators)).toBe(outcome);
  });

  it.each([
    [{ 'if-none-match': '"other"', 'if-modified-since': after }, 'proceed'],
    [{ 'if-none-match': etag, 'if-modified-since': before }, 'not-modified'],
    [{ 'if-match': etag, 'if-unmodified-since': before }, 'proceed'],
    [{ 'if-match': etag, 'if-none-match': etag }, 'not-modified'],
    [{ 'if-match': '"other"', 'if-none-match': etag }, 'precondition-failed'],
  ])('puts the conditions of %j in order: %s', (headers, outcome) => {
    expect(evaluateConditions(headers, validators)).toBe(outcome);
  });
});

describe('allowsRange', () => {
  it.each([
    [undefined, true],
    [etag, true],
    [` ${etag} `, true],
    [same, true],
    [`W/${etag}`, false],
    ['"other"', false],
    [before, false],
    [after, false],
    ['nonsense', false],
  ])('given %s says %s', (ifRange, isAllowed) => {
    const headers = ifRange === undefined ? {} : { 'if-range': ifRange };
    expect(allowsRange(headers, validators)).toBe(isAllowed);
  });
});
