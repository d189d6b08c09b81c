/**
 * The document that keeps what the laboratory saw: `docs/KERNELS.md`.
 *
 * Its tables stand between marks, and the words around them are people's. A run replaces what is
 * said of the kernels it has seen, and leaves what is said of others as it is. It also compares
 * the features of these kernels with the columns of the document.
 */

import { formatFeatures, formatFigures, formatOutcomes } from './report.ts';
import { formatTable, readFeatures, readTable } from './report.ts';
import type { Findings } from './report.ts';

const tables = { features: formatFeatures, outcomes: formatOutcomes, figures: formatFigures };

/** Replaces each table with what was seen. */
export function renewDocument(document: string, found: readonly Findings[]): string {
  let renewed = document;
  const names = found.map(({ name }) => name);
  for (const [name, format] of Object.entries(tables)) {
    const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`];
    const [before = '', rest] = renewed.split(begin);
    const after = rest?.split(end)[1];
    if (after === undefined) throw new Error(`The document has no place for ${name}`);
    const isByRow = format === formatOutcomes;
    const table = mergeTables(rest?.split(end)[0] ?? '', format(found), { names, isByRow });
    renewed = `${before}${begin}\n${table}\n${end}${after}`;
  }
  return renewed;
}

/** A kernel has a row, or a column: then tables are turned on their sides meanwhile. */
function mergeTables(
  old: string,
  fresh: string,
  { names, isByRow }: { names: readonly string[]; isByRow: boolean },
): string {
  const turn = (table: string[][]): string[][] => (isByRow ? table : transposed(table));
  const [oldHead = [], ...oldRows] = turn(readTable(old));
  const [head = [], ...rows] = turn(readTable(fresh));
  const others = oldRows.filter(([kernel = '']) => !names.includes(kernel));
  if (others.length === 0) return fresh;
  const labels = [...new Set([...oldHead, ...head])];
  const taken = (own: readonly string[], row: readonly string[]): string[] =>
    labels.map((label) => row[own.indexOf(label)] ?? '');
  const all = [
    ...others.map((row) => taken(oldHead, row)),
    ...rows.map((row) => taken(head, row)),
  ].toSorted(([one = ''], [other = '']) => one.localeCompare(other, 'en', { numeric: true }));
  return formatTable(turn([labels, ...all]));
}

function transposed(table: readonly (readonly string[])[]): string[][] {
  return (table[0] ?? []).map((_, at) => table.map((row) => row[at] ?? ''));
}

/** What the document says differently of the kernels that were seen. */
export function documentComplaints(document: string, found: readonly Findings[]): string[] {
  const written = readFeatures(document);
  return found.flatMap(({ name, available }) => {
    const features = written.get(name);
    // Other kernels may be looked at; the document has the usual ones.
    if (features === undefined || available.size === 0) return [];
    const differing = [...new Set([...features, ...available])].filter(
      (feature) => features.has(feature) !== (available as ReadonlySet<string>).has(feature),
    );
    if (differing.length === 0) return [];
    return [`${name}: docs/KERNELS.md disagrees about ${differing.join(', ')}; see --write`];
  });
}
