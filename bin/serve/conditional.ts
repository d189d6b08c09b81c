/**
 * Conditional requests as in RFC 9110 section 13: what a file's validators are, and what the
 * conditions of a request make of them.
 *
 * Pure. The order of precedence is that of section 13.2.2; a date that is not a date is ignored.
 */

import type { IncomingHttpHeaders } from 'node:http';

/** What tells one state of a file from another. */
export interface Validators {
  /** Strong: a change of the content changes it. */
  readonly etag: string;
  /** Whole seconds, as the header has no more. */
  readonly modifiedSeconds: number;
}

/** The part of `fs.Stats` that validators are made of. */
export interface ValidatedStats {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

/** What is left to do once the conditions are evaluated. */
export type ConditionOutcome = 'proceed' | 'not-modified' | 'precondition-failed';

/** Makes the validators of a file. */
export function validatorsOf({ size, mtimeMs, ino }: ValidatedStats): Validators {
  // The inode tells a file from one moved into its place with the same size and time.
  const parts = [ino, size, Math.round(mtimeMs * 1000)];
  return {
    etag: `"${parts.map((part) => part.toString(36)).join('-')}"`,
    modifiedSeconds: Math.floor(mtimeMs / 1000),
  };
}

/** Formats a `Last-Modified` header: never later than now, as the RFC demands. */
export function formatLastModified({ modifiedSeconds }: Validators, nowMs: number): string {
  return new Date(Math.min(modifiedSeconds * 1000, nowMs)).toUTCString();
}

/** Evaluates the conditions of a GET or HEAD request. */
export function evaluateConditions(
  headers: IncomingHttpHeaders,
  validators: Validators,
): ConditionOutcome {
  const match = headers['if-match'];
  const unmodifiedSince = parseHttpDate(headers['if-unmodified-since']);
  if (match !== undefined) {
    if (!listMatches(match, validators.etag, isSameStrongly)) return 'precondition-failed';
  } else if (unmodifiedSince !== null && validators.modifiedSeconds > unmodifiedSince) {
    return 'precondition-failed';
  }

  const noneMatch = headers['if-none-match'];
  const modifiedSince = parseHttpDate(headers['if-modified-since']);
  if (noneMatch !== undefined) {
    return listMatches(noneMatch, validators.etag, isSameWeakly) ? 'not-modified' : 'proceed';
  }
  const isOld = modifiedSince !== null && validators.modifiedSeconds <= modifiedSince;
  return isOld ? 'not-modified' : 'proceed';
}

/** Whether a range may be sent: no `If-Range`, or one that names exactly this state of the file. */
export function allowsRange(headers: IncomingHttpHeaders, validators: Validators): boolean {
  // Node joins a header that comes twice; its types do not know that of this one.
  const ifRange = headers['if-range']?.toString();
  if (ifRange === undefined) return true;
  const seconds = parseHttpDate(ifRange);
  if (seconds !== null) return seconds === validators.modifiedSeconds;
  return isSameStrongly(ifRange.trim(), validators.etag);
}

function listMatches(
  list: string,
  etag: string,
  isSame: (one: string, other: string) => boolean,
): boolean {
  if (list.trim() === '*') return true;
  return (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some((candidate) => isSame(candidate, etag));
}

function isSameStrongly(one: string, other: string): boolean {
  return one === other && !one.startsWith('W/');
}

function isSameWeakly(one: string, other: string): boolean {
  return one.replace(/^W\//, '') === other.replace(/^W\//, '');
}

/** The three forms of RFC 9110 section 5.6.7: the one in use, RFC 850's, and asctime's. */
const httpDates = [
  /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^\w{6,9}, \d\d-\w{3}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
];

/** Seconds since 1970, or `null` where there is no valid date. */
function parseHttpDate(value: string | undefined): number | null {
  const text = value?.trim() ?? '';
  if (!httpDates.some((form) => form.test(text))) return null;
  // asctime's form does not name its zone.
  const timeMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(timeMs) ? null : timeMs / 1000;
}
