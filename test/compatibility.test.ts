/**
 * COMPATIBILITY.md says what the code does: every function of the running Node has its row, and
 * what a row says is where the function comes from.
 */

import { readFileSync } from 'node:fs';
import node from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as delegated from '../src/io/fs/delegated.ts';
import ours from '../src/io/fs/promises.ts';
import { findFileHandleClass } from '../src/io/fs/file-handle.ts';
import { root } from './support/source-tree.ts';

interface Row {
  readonly name: string;
  readonly how: string;
  readonly remarks: string;
}

const document = readFileSync(join(root, 'COMPATIBILITY.md'), 'utf8');

/** The rows of the table under a heading. */
function rowsUnder(text: string, heading: string): Row[] {
  const section = text.split(/^#+ /m).find((part) => part.startsWith(heading)) ?? '';
  const rows = section.matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) ?\|$/gm);
  return [...rows].map(([, name = '', how = '', remarks = '']) => ({ name, how, remarks }));
}

describe('the table of functions', () => {
  const rows = rowsUnder(document, '`onering/fs/promises`');
  const functions = Object.keys(node).filter(
    (name) => typeof Reflect.get(node, name) === 'function',
  );

  it('is read from the document', () => {
    const text =
      '# a\n\n## b\n\n| Function | |\n|---|---|\n| `x` | ring | y |\n| `z` | delegated | |';
    expect(rowsUnder(text, 'b')).toEqual([
      { name: 'x', how: 'ring', remarks: 'y' },
      { name: 'z', how: 'delegated', remarks: '' },
    ]);
  });

  it('has each function once, in order, and no others but those of newer Nodes', () => {
    const names = rows.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].toSorted());
    expect(functions.filter((name) => !names.includes(name))).toEqual([]);
    const absent = rows.filter(({ name }) => !functions.includes(name));
    expect(absent.filter(({ remarks }) => !/^Node \d+\+/.test(remarks))).toEqual([]);
  });

  it('says delegated of what is Node itself, and of nothing else', () => {
    const listed = rows.filter(({ how }) => how === 'delegated').map(({ name }) => name);
    expect(listed).toEqual(Object.keys(delegated).toSorted());
    const same = functions.filter((name) => Reflect.get(ours, name) === Reflect.get(node, name));
    expect(same.toSorted()).toEqual(listed.filter((name) => functions.includes(name)));
  });
});

describe('the table of FileHandle', () => {
  const rows = rowsUnder(document, '`FileHandle`');
  /** They are Node's own, over methods that are ours. */
  const over = ['close', 'createReadStream', 'createWriteStream', 'fd', 'readLines'];

  it('has each method, and says where it comes from', async () => {
    const derived = (await findFileHandleClass()) ?? expect.unreachable('Node was not suitable');
    const { prototype } = derived;
    const methodsOf = (owner: object): string[] =>
      Object.getOwnPropertyNames(owner).filter((name) => name !== 'constructor');
    const own = methodsOf(prototype);
    const inherited = methodsOf(Object.getPrototypeOf(prototype) as object);
    const names = rows.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].toSorted());
    const all = [...new Set([...own, ...inherited, 'close'])];
    expect(all.filter((name) => !names.includes(name))).toEqual([]);
    const onRing = rows.filter(({ how }) => how === 'ring').map(({ name }) => name);
    expect(onRing).toEqual([...own, ...over].toSorted());
  });
});
