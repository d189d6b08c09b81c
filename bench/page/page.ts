/**
 * The page that `--html` writes: one file with everything in it, tables, charts and the library
 * that draws them, so that it works without a network and can be sent around.
 *
 * The tables are in the page as they are, readable without JavaScript; client.js adds the charts
 * from the same result, which the page carries as JSON.
 */

import { existsSync, readFileSync } from 'node:fs';
import { compareWithNode } from '../comparison.ts';
import { packagePath } from '../paths.ts';
import type { Result } from '../result.ts';
import { formatTables } from './tables.ts';

/** Chart.js with its license, as the build has put it into the package; in a clone, its own. */
const LIBRARY = [
  ['dist/bench/page/chart.umd.min.js', 'dist/bench/page/chart.LICENSE.md'],
  ['node_modules/chart.js/dist/chart.umd.min.js', 'node_modules/chart.js/LICENSE.md'],
] as const;

/** Nothing may be loaded from anywhere. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** Makes the page. */
export function makePage(result: Result): string {
  const data = JSON.stringify({ ...result, comparisons: compareWithNode(result.cases) });
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    '<title>onering bench</title>',
    `<style>${read('bench/page/page.css')}</style>`,
    '</head>',
    '<body>',
    '<main>',
    '<h1>onering bench</h1>',
    formatTables(result),
    '</main>',
    `<script type="application/json" id="result">${escapeScript(data)}</script>`,
    `<script>${escapeScript(readLibrary())}</script>`,
    `<script>${read('bench/page/client.js')}</script>`,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** Text that cannot end the element that it stands in. */
function escapeScript(text: string): string {
  return text.replaceAll('</', String.raw`<\/`).replaceAll('<!--', String.raw`<\!--`);
}

function readLibrary(): string {
  const found = LIBRARY.find(([path]) => existsSync(packagePath(path)));
  if (found === undefined) throw new Error('Chart.js is not there: build the package first');
  const [path, license] = found;
  const source = read(path).replace(/^\/\/# sourceMappingURL=.*$/m, '');
  return `/*\n${read(license)}*/\n${source}`;
}

function read(name: string): string {
  return readFileSync(packagePath(name), 'utf8');
}
