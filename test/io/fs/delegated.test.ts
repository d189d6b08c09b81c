/**
 * What is delegated is Node's own function, and nothing else.
 */

import node from 'node:fs/promises';
import { expect, it } from 'vitest';
import * as delegated from '../../../src/io/fs/delegated.ts';

it('is the very function of Node, or absent where Node has none', () => {
  const names = Object.keys(delegated);
  expect(names.length).toBeGreaterThan(15);
  const values = names.map((name) => Reflect.get(delegated, name) as unknown);
  expect(values).toEqual(names.map((name) => Reflect.get(node, name) as unknown));
});
