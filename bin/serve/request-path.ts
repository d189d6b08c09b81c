/**
 * The path of a request: from the bytes of the request line to names below the served folder.
 *
 * Pure. It is the first of two locks: no name that comes out of here holds a separator or a NUL
 * byte, and none is `.` or `..`. The second lock is openat2(2), which also knows symbolic links.
 */

import { sep } from 'node:path';

/** Where a request points to. */
export interface RequestPath {
  /** Decoded, from the top down; empty for the served folder itself. */
  readonly names: readonly string[];
  /** Whether it was written with a slash at its end, so that only a folder will do. */
  readonly isFolder: boolean;
  /** The query with its question mark, as sent, or an empty string. */
  readonly query: string;
}

/**
 * Parses the target of a request line; `null` says that it is malformed or leaves the folder.
 *
 * Dot segments are resolved as RFC 3986 section 5.2.4 says, after decoding, so that `%2e%2e` is
 * no different from `..`; one that would climb above the top is refused.
 */
export function parseRequestPath(target: string): RequestPath | null {
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/#.*$/, '');
  const queryStart = local.indexOf('?');
  const path = queryStart === -1 ? local : local.slice(0, queryStart);
  const query = queryStart === -1 ? '' : local.slice(queryStart);
  // An absolute form may have no path at all: `GET http://host HTTP/1.1`.
  const isAbsoluteForm = local.length < target.length && path === '';
  if (!path.startsWith('/') && !isAbsoluteForm) return null;

  const names: string[] = [];
  let isFolder = true;
  for (const segment of path.split('/')) {
    const name = decodeSegment(segment);
    if (name === null || (name === '..' && names.length === 0)) return null;
    isFolder = name === '' || name === '.' || name === '..';
    if (name === '..') names.pop();
    else if (!isFolder) names.push(name);
  }
  return { names, isFolder, query };
}

/** Formats names as the path of a URL that is local to the server, whatever the names hold. */
export function formatFolderPath(names: readonly string[]): string {
  return `/${names.map((name) => `${encodeURIComponent(name)}/`).join('')}`;
}

function decodeSegment(segment: string): string | null {
  // Node hands out bytes as Latin-1; clients that do not encode send UTF-8.
  const encoded = segment.replace(/[\u0080-\u00ff]/g, (byte) => {
    return `%${byte.charCodeAt(0).toString(16)}`;
  });
  let name: string;
  try {
    name = decodeURIComponent(encoded);
  } catch {
    return null;
  }
  return name.includes('/') || name.includes(sep) || name.includes('\0') ? null : name;
}
