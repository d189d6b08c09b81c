/**
 * The programs in the documents: `ts` fences of Markdown, and `@example`s of TSDoc.
 *
 * Each fence is a module of its own. What a program says about its output stands behind its
 * `console.log`, as the whole line that it prints: `console.log(count); // 64`. What is printed in
 * `if (… backend === 'uring')` is claimed for the ring alone.
 */

import ts from 'typescript';
import { Source } from './source-tree.ts';

/** One fence, ready to be written to a file. */
export interface Program {
  /** Where its first line is: `path:line`. */
  readonly origin: string;
  readonly code: string;
}

/** What a program is said to print. */
export interface Claims {
  readonly lines: readonly string[];
  /** Whether each `console.log` makes a claim, so that there is nothing else on the output. */
  readonly areComplete: boolean;
}

/** Languages of fences that look like programs and would not be run. */
const otherNames = ['js', 'javascript', 'mjs', 'typescript', 'mts', 'tsx', 'jsx', 'cjs'];

/** The programs of a Markdown or a TypeScript file. */
export function programsIn(source: Source): Program[] {
  const text = documentText(source);
  return [...text.matchAll(/^( *)```ts\n([^]*?)^\1```$/gm)].map((match) => {
    const [, indent = '', body = ''] = match;
    const line = text.slice(0, match.index).split('\n').length + 1;
    const lines = body.split('\n').map((one) => one.slice(indent.length));
    return { origin: `${source.path}:${line}`, code: lines.join('\n') };
  });
}

/** Examples and fences that nobody would run. */
export function programComplaints(source: Source): string[] {
  const lines = documentText(source).split('\n');
  return lines.flatMap((line, index) => {
    const at = `${source.path}:${index + 1}`;
    if (/^@example\b/.test(line) && lines[index + 1] !== '```ts') {
      return [`${at} is an example without a fence; begin the next line with \`\`\`ts`];
    }
    const language = /^ *```(\w+)/.exec(line)?.[1] ?? '';
    return otherNames.includes(language) ? [`${at} is not run as ${language}; say ts`] : [];
  });
}

/** A document as it is; of code, what its block comments say, each line where it was. */
function documentText({ path, text }: Source): string {
  if (path.endsWith('.md')) return text;
  return text
    .split('\n')
    .map((line) => /^ *\* ?(.*)$/.exec(line)?.[1] ?? '')
    .join('\n');
}

/** What stands behind the statements that print, as far as this backend comes to them. */
export function claimsOf({ origin, code }: Program, backend: string): Claims {
  const source = new Source(`${origin}.ts`, code);
  const prints = [...source.nodes()]
    .filter((node) => ts.isCallExpression(node) && node.expression.getText() === 'console.log')
    .filter((node) => backend === 'uring' || !isOnlyForTheRing(node));
  const statements = new Set(prints.map((node) => ts.findAncestor(node, ts.isStatement)));
  const claims = [...statements].map((statement) => {
    const comments = ts.getTrailingCommentRanges(code, statement?.end ?? 0) ?? [];
    const [comment] = comments.map(({ pos, end }) => code.slice(pos, end));
    return comment?.startsWith('//') === true ? comment.slice(2).trim() : undefined;
  });
  const lines = claims.filter((claim) => claim !== undefined);
  return { lines, areComplete: lines.length === prints.length };
}

/** Whether a node stands in the block of `if (… backend === 'uring')`. */
function isOnlyForTheRing(node: ts.Node): boolean {
  const { parent } = node;
  if (parent === undefined) return false;
  const isGuarded =
    ts.isIfStatement(parent) &&
    parent.thenStatement === node &&
    /\bbackend === 'uring'$/.test(parent.expression.getText());
  return isGuarded || isOnlyForTheRing(parent);
}

/** What is wrong with an output, if anything is. */
export function outputComplaint(
  { lines, areComplete }: Claims,
  stdout: string,
): string | undefined {
  const printed = stdout === '' ? [] : stdout.replace(/\n$/, '').split('\n');
  if (areComplete) {
    const isSame =
      printed.length === lines.length && lines.every((line, at) => line === printed[at]);
    return isSame ? undefined : describe(lines, printed);
  }
  let next = 0;
  for (const line of printed) if (line === lines[next]) next += 1;
  return next === lines.length ? undefined : describe(lines, printed);
}

function describe(claimed: readonly string[], printed: readonly string[]): string {
  return `claims ${JSON.stringify(claimed)} and prints ${JSON.stringify(printed)}`;
}
