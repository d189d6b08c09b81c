/**
 * Rules about Markdown: links that lead somewhere, paths that exist, figures that can be had again.
 *
 * Each rule turns a document into complaints. Not a Markdown parser: it knows fences, headings,
 * inline code, links and pipe tables in the form in which this project writes them.
 */

import { posix } from 'node:path';
import type { Source } from './source-tree.ts';

/** Asks for a document by its path; nothing if there is none. */
export type FindDocument = (path: string) => Source | undefined;

/** Relative links to files, folders or headings that are not there. */
export function linkComplaints(
  source: Source,
  files: readonly string[],
  find: FindDocument,
): string[] {
  return withoutCode(source.text)
    .split('\n')
    .flatMap((line, index) =>
      [...line.matchAll(/\]\(([^()\s]+)(?: "[^"]*")?\)|^\[[^\]]+\]: (\S+)/g)].flatMap((match) => {
        const target = match[1] ?? match[2] ?? '';
        const problem = linkProblem(source, target, { files, find });
        return problem === undefined ? [] : [`${source.path}:${index + 1} ${problem}`];
      }),
    );
}

interface Surroundings {
  readonly files: readonly string[];
  readonly find: FindDocument;
}

function linkProblem(
  source: Source,
  target: string,
  { files, find }: Surroundings,
): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [file = '', heading] = target.split('#');
  const path = file === '' ? source.path : posix.join(posix.dirname(source.path), file);
  const folder = path === '.' ? '' : path.replace(/\/?$/, '/');
  if (!files.some((one) => one === path || one.startsWith(folder))) {
    return `links to ${target}, which does not exist`;
  }
  if (heading === undefined) return undefined;
  const document = path === source.path ? source : find(path);
  if (document !== undefined && headingsOf(document).includes(heading)) return undefined;
  return `links to ${target}, but there is no such heading`;
}

/** Headings as they stand in a link: lower case, without punctuation, with hyphens. */
function headingsOf({ text }: Source): string[] {
  return [...withoutFences(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

/**
 * Paths in inline code that no file has. A path may leave out the folders that it begins with, as
 * in a paragraph about one folder, and may contain `*`.
 */
export function pathComplaints(source: Source, files: readonly string[]): string[] {
  return withoutFences(source.text)
    .split('\n')
    .flatMap((line, index) =>
      [...line.matchAll(/`([^`]+)`/g)]
        .map(([, code = '']) => code)
        .filter((code) => isPath(code) && !exists(code, files))
        .map((code) => `${source.path}:${index + 1} names ${code}, which does not exist`),
    );
}

/** Folders of the project end in a slash, files in one of its endings. */
function isPath(code: string): boolean {
  if (!/^[\w*][\w.*-]*(\/[\w.*-]+)*\/?$/.test(code)) return false;
  // What is made by a build or by npm is in no list of files; x and y stand for any name.
  if (/^(dist|node_modules)\/|(^|\/)[xy]\b/.test(code)) return false;
  return /\/$|\.(ts|mjs|jsonc?|md|c|h|html|css)$/.test(code);
}

function exists(path: string, files: readonly string[]): boolean {
  const pattern = path.replaceAll('.', '\\.').replaceAll('*', '[^/]*');
  const isThere = new RegExp(`(^|/)${pattern}${path.endsWith('/') ? '' : '$'}`);
  return files.some((file) => isThere.test(file));
}

/** Tables of measurements in a section that does not say which command measures them again. */
export function measurementComplaints(source: Source): string[] {
  const lines = withoutFences(source.text).split('\n');
  const starts = lines.flatMap((line, index) => (/^#+ /.test(line) ? [index] : []));
  return tablesOf(lines)
    .filter(({ rows }) => holdsMeasurements(rows))
    .filter(({ line }) => {
      const from = starts.findLast((start) => start <= line) ?? 0;
      const to = starts.find((start) => start > line) ?? lines.length;
      const section = source.text.split('\n').slice(from, to).join('\n');
      return !/\bnpm run (bench|test:kernels)\b/.test(section);
    })
    .map(({ line }) => {
      const advice = 'name the command that measures it again, `npm run bench -- …`';
      return `${source.path}:${line + 1} is a table of measurements; ${advice}`;
    });
}

interface Table {
  /** Index of the header's line. */
  readonly line: number;
  /** Cells, the header first. */
  readonly rows: readonly (readonly string[])[];
}

function tablesOf(lines: readonly string[]): Table[] {
  return lines.flatMap((line, index) => {
    if (!isRow(line) || isRow(lines[index - 1] ?? '')) return [];
    const end = lines.findIndex((other, at) => at > index && !isRow(other));
    const [header = '', , ...body] = lines.slice(index, end === -1 ? undefined : end);
    return [{ line: index, rows: [header, ...body].map(cellsOf) }];
  });
}

function isRow(line: string): boolean {
  return line.trimStart().startsWith('|');
}

function cellsOf(line: string): string[] {
  const inner = line.trim().replace(/^\|/, '').replace(/\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.replaceAll(/[*_`]/g, '').trim());
}

const units = String.raw`ns|µs|ms|s|%|×|times|[kMG]?i?B|[\w/ ]*\/s`;
const figure = new RegExp(
  String.raw`^[<>≤≥~≈]? ?\d[\d .,]*([–-] ?\d[\d .,]*)?(${units})?( \(.*\))?$`,
);
const unitInCell = new RegExp(String.raw`\d ?(${units})( \(.*\))?$`);
const unitInHeader = new RegExp(
  String.raw`(^|[\s(])(${units}|ratio|median|p50|p99|of (c|C|node|libuv).*)([\s,)]|$)`,
);

/** Whether there is a column of nothing but numbers, with a unit in its cells or its header. */
function holdsMeasurements([header = [], ...body]: readonly (readonly string[])[]): boolean {
  return header.some((title, column) => {
    const cells = body.map((row) => row[column] ?? '').filter((cell) => !/^[–—-]?$/.test(cell));
    if (cells.length === 0 || !cells.every((cell) => figure.test(cell))) return false;
    return unitInHeader.test(title) || cells.some((cell) => unitInCell.test(cell));
  });
}

function withoutCode(text: string): string {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, '');
}

/** The same lines, those of fenced blocks empty. */
function withoutFences(text: string): string {
  return text.replaceAll(/^ *```[^]*?^ *```$/gm, (block) => block.replaceAll(/[^\n]/g, ''));
}
