/**
 * The part of the page that needs no JavaScript: what was measured where, and a table per case.
 *
 * On a narrow screen a table keeps its first column in sight and scrolls inside of its own box;
 * the page never scrolls sideways.
 */

import { compareWithNode } from '../comparison.ts';
import type { Comparison } from '../comparison.ts';
import { columnsOf, formatValues } from '../figures.ts';
import type { Column } from '../figures.ts';
import { problemOf } from '../result.ts';
import type { CaseResult, Result, Series } from '../result.ts';

/** Everything of the page but the charts, with places for these. */
export function formatTables(result: Result): string {
  const { command, startedAt, environment, notes, cases } = result;
  const groups = [...new Set(cases.map(({ group }) => group))];
  return [
    `<p><code>${escapeText(command)}</code></p>`,
    describeMethod(result),
    ...warningsOf(result).map((text) => `<p class="note">${escapeText(text)}</p>`),
    `<details><summary>Where it was measured, ${escapeText(dateOf(startedAt))}</summary><ul>`,
    ...[...environment, ...notes].map((fact) => `<li>${escapeText(fact)}</li>`),
    '</ul></details>',
    formatComparisons(compareWithNode(cases)),
    '<section id="curves"></section>',
    ...groups.map((group) => {
      const sections = cases.map((one, index) =>
        one.group === group ? formatSection(one, index) : '',
      );
      return [`<h2 id="${group}">${capitalize(group)}</h2>`, ...sections].join('\n');
    }),
  ].join('\n');
}

function describeMethod({ settings }: Result): string {
  const { rounds, seconds, warmupSeconds, serverWarmupSeconds } = settings;
  return (
    `<p>${rounds} alternating rounds of ${seconds} s after ${warmupSeconds} s of warm-up ` +
    `(servers ${serverWarmupSeconds} s), a ` +
    'fresh process per run. Ratios are of medians; in brackets the lowest and the highest of a ' +
    'round.</p>'
  );
}

function warningsOf({ settings, isInterrupted, cases }: Result): string[] {
  const isSound = cases.every(({ series }) => series.every((one) => problemOf(one) === null));
  return [
    ...(settings.size === 'full' ? [] : [`Size “${settings.size}”: a first look, not a result.`]),
    ...(isInterrupted ? ['Interrupted: what was done until then.'] : []),
    ...(isSound ? [] : ['Some contenders failed, or did not do their work: no ratios of these.']),
  ];
}

function formatComparisons(comparisons: readonly Comparison[]): string {
  if (comparisons.length === 0) return '';
  const rows = comparisons.map(({ title, better, ratio, verdict }) => {
    const { median, min, max } = ratio;
    const range = `<small>(${min.toFixed(2)}–${max.toFixed(2)})</small>`;
    const direction = better === 'less' ? ' <small>less is better</small>' : '';
    const cells = [
      `<th scope="row">${escapeText(title)}${direction}</th>`,
      `<td>${median.toFixed(2)} ${range}</td>`,
      `<td>${verdict}</td>`,
    ];
    return `<tr class="${verdict.replaceAll(' ', '-')}">${cells.join('')}</tr>`;
  });
  return [
    '<section class="summary"><h2>onering beside node</h2>',
    '<div class="chart" data-kind="ratios"></div>',
    '<table><thead><tr><th scope="col">work</th><th scope="col">ratio</th>' +
      '<th scope="col">verdict</th></tr></thead>',
    `<tbody>${rows.join('\n')}</tbody></table></section>`,
  ].join('\n');
}

function formatSection(one: CaseResult, index: number): string {
  const { title, unit, better, series: all } = one;
  const heading = `<h3>${escapeText(title)}</h3>`;
  if (all.length === 0) {
    return `<section class="case">${heading}<p>Nothing can run here.</p></section>`;
  }
  const columns = columnsOf(one);
  const heads = ['', `${unit}, median`, 'min–max', ...columns.map(({ head }) => head)];
  return [
    `<section class="case">${heading}`,
    `<p>${escapeText(unit)}${better === 'less' ? ', less is better' : ''}</p>`,
    `<div class="chart" data-case="${index}" data-kind="bars"></div>`,
    `<div class="chart" data-case="${index}" data-kind="percentiles"></div>`,
    '<div class="scroll" tabindex="0"><table><thead><tr>',
    ...heads.map((text) => `<th scope="col">${escapeText(text)}</th>`),
    '</tr></thead><tbody>',
    ...all.map((series) => formatRow(series, columns)),
    '</tbody></table></div></section>',
  ].join('\n');
}

function formatRow(series: Series, columns: readonly Column[]): string {
  const problem = problemOf(series);
  const name = `<th scope="row">${escapeText(series.name)}</th>`;
  if (series.samples.length === 0) {
    const text = escapeText(`failed: ${problem ?? ''}`);
    return `<tr class="refused">${name}<td colspan="${columns.length + 2}">${text}</td></tr>`;
  }
  const cells = [...formatValues(series), ...columns.map(({ cell }) => cell(series))];
  const notes = problem === null ? [] : [`refused: ${problem}`];
  const row = [...cells, ...notes].map((text) => `<td>${escapeText(text)}</td>`).join('');
  return `<tr class="${series.family}${problem === null ? '' : ' refused'}">${name}${row}</tr>`;
}

function dateOf(startedAt: string): string {
  return `${startedAt.slice(0, 16).replace('T', ' ')} UTC`;
}

function capitalize(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
