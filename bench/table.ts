/**
 * Tables of plain text: columns as wide as their widest cell, two spaces between them.
 *
 * A row with fewer cells than the header is a note about its first cell: it is printed as it is,
 * and widens no column but the first.
 */

/** Lays a table out: the first column to the left, all others to the right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  // What stands in the last cell of a broken row would only stretch its column.
  const widths = header.map((title, column) =>
    Math.max(
      title.length,
      ...rows.map((row) => (row.length < header.length ? 0 : (row[column]?.length ?? 0))),
      column === 0 ? Math.max(...rows.map((row) => row[0]?.length ?? 0)) : 0,
    ),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 || cells.length < header.length
          ? cell.padEnd(column === 0 ? width : 0)
          : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  return [header, ...rows].map(line).join('\n');
}
