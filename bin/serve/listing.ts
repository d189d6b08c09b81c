/**
 * The page for a folder without an index page: its entries by name, as links.
 *
 * Pure. Names are untrusted: in text they are escaped, in links they are percent-encoded, which
 * leaves no character that HTML gives a meaning to.
 */

import { formatFolderPath } from './request-path.ts';

/** An entry of a folder: `fs.Dirent` is one. */
export interface ListedEntry {
  readonly name: string;
  isDirectory(): boolean;
}

const byName = new Intl.Collator('en', { numeric: true });

/** Renders the page of the folder that `names` lead to. */
export function renderListing(names: readonly string[], entries: readonly ListedEntry[]): string {
  const title = escapeHtml(`/${names.map((name) => `${name}/`).join('')}`);
  const links = entries
    .toSorted((one, other) => compareNames(one.name, other.name))
    .map((entry) => renderLink(entry.name, entry.isDirectory() ? '/' : ''));
  if (names.length > 0) links.unshift('<li><a href="../">../</a></li>');
  const list =
    links.length === 0 ? '<p>This folder is empty.</p>' : `<ul>\n${links.join('\n')}\n</ul>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<h1>${renderTrail(names)}</h1>
${list}
</body>
</html>
`;
}

/** Escapes text for use between tags and in attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => references[character] ?? '');
}

const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** As people count; names that this takes for equal keep an order all the same. */
function compareNames(one: string, other: string): number {
  return byName.compare(one, other) || (one < other ? -1 : 1);
}

function renderLink(name: string, slash: string): string {
  return `<li><a href="${encodeURIComponent(name)}${slash}">${escapeHtml(name)}${slash}</a></li>`;
}

/** The path as a heading in which each folder is a link. */
function renderTrail(names: readonly string[]): string {
  const steps = names.map((name, index) => {
    const href = formatFolderPath(names.slice(0, index + 1));
    return `<a href="${escapeHtml(href)}">${escapeHtml(name)}</a>/`;
  });
  return `<a href="/">/</a>${steps.join('')}`;
}

const style = `
:root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif }
body { max-width: 48rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.3rem; font-weight: 600 }
ul { list-style: none; padding: 0; border-top: 1px solid #8884 }
li { border-bottom: 1px solid #8884 }
li a { display: block; padding: .35rem .25rem; text-decoration: none }
li a:hover, li a:focus-visible { background: #8882 }
`;
