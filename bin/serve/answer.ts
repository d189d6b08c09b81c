/**
 * Answers: what a request gets, before any of it is sent. Here are those that need no file system:
 * errors, redirects, pages, and what the headers of a request make of a file.
 *
 * Pure. Lengths of text bodies are added when an answer is sent.
 */

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { File } from '../../src/io/index.ts';
import {
  allowsRange,
  evaluateConditions,
  formatLastModified,
  validatorsOf,
} from './conditional.ts';
import type { ValidatedStats } from './conditional.ts';
import { contentTypeOf } from './content-types.ts';
import { formatContentRange, resolveRange } from './range.ts';
import type { ByteRange } from './range.ts';

/** A part of an open file; whoever sends it closes the file. */
export interface FileSlice extends ByteRange {
  readonly file: File;
}

/** What a request gets. */
export interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string | FileSlice | null;
}

/** The answer for a file: its head, and which part of it follows. */
export interface FileHead {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  /** `null` for none of it. */
  readonly range: ByteRange | null;
}

/** A request, as far as answers depend on it. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

/** Browsers must not take a download for a page, nor show an old page without asking. */
const commonHeaders = { 'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff' };

/** An error page: one line of text. */
export function errorAnswer(status: number, headers: OutgoingHttpHeaders = {}): Answer {
  const line = `${status} ${STATUS_CODES[status]}\n`;
  return textAnswer(status, 'text/plain; charset=utf-8', line, headers);
}

/** A permanent redirect to another path of this server. */
export function redirectAnswer(location: string): Answer {
  return errorAnswer(301, { Location: location });
}

/** A page or a document made here. */
export function textAnswer(
  status: number,
  contentType: string,
  body: string,
  headers: OutgoingHttpHeaders = {},
): Answer {
  return { status, headers: { ...commonHeaders, 'Content-Type': contentType, ...headers }, body };
}

/** Decides what a GET or HEAD request gets of a regular file. */
export function headForFile(
  { method, headers }: Pick<RequestHead, 'method' | 'headers'>,
  name: string,
  stats: ValidatedStats,
  nowMs: number,
): FileHead {
  const { size } = stats;
  const validators = validatorsOf(stats);
  const described = {
    ...commonHeaders,
    ETag: validators.etag,
    'Last-Modified': formatLastModified(validators, nowMs),
    'Accept-Ranges': 'bytes',
  };
  const outcome = evaluateConditions(headers, validators);
  if (outcome === 'not-modified') return { status: 304, headers: described, range: null };
  if (outcome === 'precondition-failed') return emptyHead(412, described);

  // Only GET knows ranges.
  const mayBePart = method === 'GET' && allowsRange(headers, validators);
  const range = mayBePart ? resolveRange(headers.range, size) : null;
  if (range === 'unsatisfiable') {
    return emptyHead(416, { ...described, 'Content-Range': `bytes */${size}` });
  }
  const part = range ?? { start: 0, length: size };
  return {
    status: range === null ? 200 : 206,
    headers: {
      ...described,
      'Content-Type': contentTypeOf(name),
      'Content-Length': part.length,
      ...(range === null ? {} : { 'Content-Range': formatContentRange(range, size) }),
    },
    range: method === 'HEAD' || part.length === 0 ? null : part,
  };
}

function emptyHead(status: number, headers: OutgoingHttpHeaders): FileHead {
  return { status, headers: { ...headers, 'Content-Length': 0 }, range: null };
}
