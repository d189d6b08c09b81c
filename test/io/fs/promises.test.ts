/**
 * The door of the drop-in: everything that the running Node exports, each name once.
 */

import node from 'node:fs/promises';
import { expect, it } from 'vitest';
import * as ours from '../../../src/io/fs/promises.ts';

it('has what the running Node has, in its order', () => {
  expect(Object.keys(ours.default)).toEqual(Object.keys(node));
  expect(ours.default.constants).toBe(node.constants);
});

it('exports by name what it exports by default', () => {
  const { default: byDefault, ...byName } = ours;
  for (const [name, value] of Object.entries(byName)) {
    expect(value, name).toBe(Reflect.get(byDefault, name));
  }
  expect(Object.keys(node).filter((name) => !(name in byName))).toEqual([]);
});

it('has functions of the same names', () => {
  for (const [name, value] of Object.entries(ours.default)) {
    if (typeof value !== 'function') continue;
    expect(value.name, name).toBe((Reflect.get(node, name) as { name: string }).name);
  }
});
