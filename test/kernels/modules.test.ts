/**
 * The order in which modules are inserted, read from module files that a test has made up.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { tempDirectory } from '../support/temp-directory.ts';
import { Missing } from './missing.ts';
import { dependenciesOf, ModuleTree } from './modules.ts';

function moduleFile(depends: string): Buffer {
  return Buffer.from(`\u007FELF\0license=GPL\0depends=${depends}\0name=x\0`, 'latin1');
}

function makeTree(): string {
  const folder = tempDirectory();
  const drivers = join(folder, 'kernel', 'drivers');
  mkdirSync(drivers, { recursive: true });
  writeFileSync(join(drivers, 'net-card.ko'), moduleFile('net-failover,ring,pci'));
  writeFileSync(join(drivers, 'net-failover.ko.gz'), gzipSync(moduleFile('failover')));
  writeFileSync(join(drivers, 'failover.ko'), moduleFile(''));
  writeFileSync(join(drivers, 'ring.ko'), moduleFile('failover'));
  writeFileSync(join(folder, 'modules.builtin'), 'kernel/drivers/pci.ko\n');
  return folder;
}

describe('dependenciesOf', () => {
  it('reads the list', () => {
    expect(dependenciesOf(moduleFile('a,b-c'))).toEqual(['a', 'b_c']);
    expect(dependenciesOf(moduleFile(''))).toEqual([]);
    expect(dependenciesOf(Buffer.from('nothing'))).toEqual([]);
  });
});

describe('ModuleTree', () => {
  it('puts dependencies first, each once, without what is built in', () => {
    const modules = new ModuleTree(makeTree()).inOrder(['net_card', 'ring', 'pci']);
    expect(modules.map(({ name }) => name)).toEqual([
      'failover',
      'net_failover',
      'ring',
      'net_card',
    ]);
    const unpacked = modules.find(({ name }) => name === 'net_failover');
    expect(unpacked?.content).toEqual(moduleFile('failover'));
  });

  it('says when there is none', () => {
    expect(() => new ModuleTree(makeTree()).inOrder(['other'])).toThrow(Missing);
  });
});
