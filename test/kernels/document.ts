/**
 * The document that keeps what the laboratory saw: `docs/KERNELS.md`.
 *
 * Its tables stand between marks, and are replaced whole; the words around them are people's. A
 * run compares the features of the kernels it has seen with the columns of the document.
 */

import { formatFeatures, formatFigures, formatOutcomes, readFeatures } from './report.ts';
import type { Findings } from './report.ts';

const tables = { features: formatFeatures, outcomes: formatOutcomes, figures: formatFigures };

/** Replaces each table with what was seen. */
export function renewDocument(document: string, found: readonly Findings[]): string {
  let renewed = document;
  for (const [name, format] of Object.entries(tables)) {
    const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`];
    const [before = '', rest] = renewed.split(begin);
    const after = rest?.split(end)[1];
    if (after === undefined) throw new Error(`The document has no place for ${name}`);
    renewed = `${before}${begin}\n${format(found)}\n${end}${after}`;
  }
  return renewed;
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
