/**
 * What the headers of a request make of a file: status, headers, and which part of it follows.
 */

import { describe, expect, it } from 'vitest';
import { errorAnswer, headForFile, redirectAnswer } from '../../../bin/serve/answer.ts';
import { validatorsOf } from '../../../bin/serve/conditional.ts';

const nowMs = Date.UTC(2025, 5, 1);
const stats = { ino: 3, size: 1000, mtimeMs: nowMs - 60_000 };
const { etag } = validatorsOf(stats);

function head(headers: object, { method = 'GET', size = 1000 } = {}) {
  return headForFile({ method, headers: { ...headers } }, 'a.txt', { ...stats, size }, nowMs);
}

describe('headForFile', () => {
  it('describes the whole file', () => {
    const { status, headers, range } = head({});
    expect(status).toBe(200);
    expect(range).toEqual({ start: 0, length: 1000 });
    expect(headers).toMatchObject({
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': 1000,
      'Accept-Ranges': 'bytes',
      'Last-Modified': 'Sat, 31 May 2025 23:59:00 GMT',
      ETag: etag,
    });
  });

  it('describes it to HEAD without sending it, whatever range is asked for', () => {
    const { status, headers, range } = head({ range: 'bytes=0-9' }, { method: 'HEAD' });
    expect([status, headers['Content-Length'], range]).toEqual([200, 1000, null]);
    expect(headers).not.toHaveProperty('Content-Range');
  });

  it('sends a part', () => {
    const { status, headers, range } = head({ range: 'bytes=-100' });
    expect(status).toBe(206);
    expect(range).toEqual({ start: 900, length: 100 });
    expect(headers).toMatchObject({
      'Content-Length': 100,
      'Content-Range': 'bytes 900-999/1000',
      ETag: etag,
    });
  });

  it('names the size when no part can be sent', () => {
    const { status, headers, range } = head({ range: 'bytes=1000-' });
    expect([status, range, headers['Content-Range']]).toEqual([416, null, 'bytes */1000']);
  });

  it('sends all when If-Range names another state of the file', () => {
    const { status, range } = head({ range: 'bytes=0-9', 'if-range': '"other"' });
    expect([status, range]).toEqual([200, { start: 0, length: 1000 }]);
    expect(head({ range: 'bytes=0-9', 'if-range': etag }).status).toBe(206);
  });

  it('sends no body and no length with 304, and looks at it before the range', () => {
    const { status, headers, range } = head({ 'if-none-match': etag, range: 'bytes=5000-' });
    expect([status, range]).toEqual([304, null]);
    expect(headers).toMatchObject({ ETag: etag });
    expect(headers).not.toHaveProperty('Content-Length');
    expect(headers).not.toHaveProperty('Content-Type');
  });

  it('fails preconditions', () => {
    expect(head({ 'if-match': '"other"' })).toMatchObject({ status: 412, range: null });
  });

  it('sends nothing of an empty file', () => {
    const { status, headers, range } = head({}, { size: 0 });
    expect([status, headers['Content-Length'], range]).toEqual([200, 0, null]);
  });
});

describe('errorAnswer', () => {
  it('is a line of text that browsers take for nothing else', () => {
    const { status, headers, body } = errorAnswer(405, { Allow: 'GET, HEAD' });
    expect([status, body]).toEqual([405, '405 Method Not Allowed\n']);
    expect(headers).toMatchObject({
      Allow: 'GET, HEAD',
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Content-Type-Options': 'nosniff',
    });
  });
});

describe('redirectAnswer', () => {
  it('is permanent', () => {
    expect(redirectAnswer('/a/')).toMatchObject({ status: 301, headers: { Location: '/a/' } });
  });
});
