/**
 * The listing page: order, escaping and links. That it is what a folder gets is tested in
 * `serve.test.ts`.
 */

import { describe, expect, it } from 'vitest';
import { escapeHtml, renderListing } from '../../../bin/serve/listing.ts';
import { parseRequestPath } from '../../../bin/serve/request-path.ts';

function file(name: string): { name: string; isDirectory: () => boolean } {
  return { name, isDirectory: () => false };
}

function folder(name: string): { name: string; isDirectory: () => boolean } {
  return { name, isDirectory: () => true };
}

/** Targets and texts of the links of the list, in order. */
function links(page: string): [href: string, text: string][] {
  const found = page.matchAll(/<li><a href="([^"]*)">([^<]*)<\/a><\/li>/g);
  return [...found].map(([, href = '', text = '']) => [href, text]);
}

describe('renderListing', () => {
  it('sorts as people count, and marks folders', () => {
    const page = renderListing([], [file('b10'), folder('c'), file('b9'), file('a')]);
    expect(links(page)).toEqual([
      ['a', 'a'],
      ['b9', 'b9'],
      ['b10', 'b10'],
      ['c/', 'c/'],
    ]);
  });

  it('does not depend on the order of what it is given', () => {
    const entries = ['1', '01', '001', 'a', 'A', 'á'].map(file);
    expect(renderListing([], entries.toReversed())).toBe(renderListing([], entries));
  });

  it('leads up, except from the top', () => {
    expect(links(renderListing(['a'], []))).toEqual([['../', '../']]);
    expect(renderListing([], [])).toContain('This folder is empty');
  });

  it('escapes names, and links to them', () => {
    const name = `<img src=x onerror="alert('1')">&amp;`;
    const page = renderListing([name], [file(name)]);
    expect(page).not.toContain('<img');
    expect(page).toContain(`<title>/${escapeHtml(name)}/</title>`);
    const [href = '', text] = links(page).at(-1) ?? [];
    expect(text).toBe(escapeHtml(name));
    expect(parseRequestPath(`/${href}`)?.names).toEqual([name]);
  });

  it('makes no link that leaves the folder', () => {
    const page = renderListing([], [file('javascript:alert(1)'), file('\\host'), file('a?b#c')]);
    expect(links(page).map(([href]) => href)).toEqual([
      '%5Chost',
      'a%3Fb%23c',
      'javascript%3Aalert(1)',
    ]);
  });
});

describe('escapeHtml', () => {
  it('escapes what HTML gives a meaning to', () => {
    expect(escapeHtml(`<a b="c" d='e'>&</a>`)).toBe(
      '&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;&lt;/a&gt;',
    );
  });
});
