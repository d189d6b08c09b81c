/**
 * Content types by name: the ones that a site cannot do without, and names that are traps.
 */

import { describe, expect, it } from 'vitest';
import { contentTypeOf } from '../../../bin/serve/content-types.ts';

describe('contentTypeOf', () => {
  it.each([
    ['index.html', 'text/html; charset=utf-8'],
    ['style.css', 'text/css; charset=utf-8'],
    ['main.js', 'text/javascript; charset=utf-8'],
    ['main.mjs', 'text/javascript; charset=utf-8'],
    ['notes.txt', 'text/plain; charset=utf-8'],
    ['data.json', 'application/json'],
    ['logo.svg', 'image/svg+xml'],
    ['photo.JPG', 'image/jpeg'],
    ['font.woff2', 'font/woff2'],
    ['module.wasm', 'application/wasm'],
    ['archive.tar.gz', 'application/gzip'],
  ])('knows %s', (name, type) => {
    expect(contentTypeOf(name)).toBe(type);
  });

  it.each(['', 'LICENSE', '.html', 'a.', 'a.unknown', 'a.constructor', 'a.__proto__', 'html'])(
    'takes %j for bytes',
    (name) => {
      expect(contentTypeOf(name)).toBe('application/octet-stream');
    },
  );
});
