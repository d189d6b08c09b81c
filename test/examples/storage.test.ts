/**
 * The examples on files: each runs on both backends, and does what it says.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { backends } from '../support/conformance-suite.ts';
import { runFile } from '../support/child.ts';
import type { ChildResult } from '../support/child.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { tempDirectory } from '../support/temp-directory.ts';

describe.each(backends)('examples on %s', (backend) => {
  function run(name: string, ...args: string[]): Promise<ChildResult> {
    const path = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
    return runFile(path, { args, env: { ONERING_BACKEND: backend } });
  }

  it('du.js counts what a directory holds', async () => {
    const directory = tempDirectory();
    for (let i = 0; i < 20; i += 1) {
      mkdirSync(join(directory, `sub-${i}`, 'below'), { recursive: true });
      writeFileSync(join(directory, `sub-${i}`, 'below', 'file'), Buffer.alloc(i * 100));
    }
    expect(await run('du.js', directory)).toMatchObject({
      code: 0,
      stdout: '19000 bytes in 20 files\n',
      stderr: '',
    });
  });

  it('copy.js copies, and says how far it is', async () => {
    const random = new SeededRandom();
    const directory = tempDirectory();
    const [source, target] = [join(directory, 'source'), join(directory, 'target')];
    for (const size of [0, 1, 3_000_001]) {
      const content = Buffer.concat([random.bytes(size % 5000), Buffer.alloc(size, 'content.')]);
      writeFileSync(source, content);
      const { code, stdout, stderr } = await run('copy.js', source, target);
      expect([code, stdout], stderr).toEqual([0, `${content.length} bytes\n`]);
      expect(stderr.endsWith(content.length === 0 ? '\n' : '\r100 %\n')).toBe(true);
      expect(readFileSync(target).equals(content), random.replay).toBe(true);
    }
  });

  it('random-read.js reads, and says how fast', async () => {
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, Buffer.alloc(1024 * 1024));
    const { code, stdout, stderr } = await run('random-read.js', path, '0.2', '8');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^[1-9]\d* reads a second, depth 8, cached\nmedian [\d.]+ ms, /);
    expect(await run('random-read.js')).toMatchObject({ code: 2 });
  });
});
