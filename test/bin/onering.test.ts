/**
 * The command `onering` as built: how it finds a subcommand, and what it says to a wrong one.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runFile } from '../support/child.ts';
import type { ChildResult } from '../support/child.ts';

const command = fileURLToPath(new URL('../../dist/bin/onering.js', import.meta.url));
const manifest = fileURLToPath(new URL('../../package.json', import.meta.url));

function onering(...args: string[]): Promise<ChildResult> {
  return runFile(command, { args });
}

describe('onering', () => {
  it.each([['help'], ['--help'], ['-h']])('%s lists the commands', async (arg) => {
    const { code, stdout, stderr } = await onering(arg);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: onering <command>/);
    expect(stdout).toMatch(/^ {2}serve DIR /m);
    expect(stdout).toMatch(/^ {2}doctor /m);
  });

  it.each([['--version'], ['-v']])('%s prints the version of the package', async (arg) => {
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    const { code, stdout, stderr } = await onering(arg);
    expect([code, stdout, stderr]).toEqual([0, `${version}\n`, '']);
  });

  it('shows how it is used when nothing is asked for', async () => {
    const { code, stdout, stderr } = await onering();
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Usage: onering <command>/);
  });

  it.each([
    [['sevre'], "unknown command 'sevre'"],
    [['toString'], "unknown command 'toString'"],
    [['--verbose'], "unknown option '--verbose'"],
    [['--help', 'doctor'], "unexpected argument 'doctor'"],
    [['help', 'me'], "unexpected argument 'me'"],
  ])('refuses %j in one line', async (args, complaint) => {
    const { code, stdout, stderr } = await onering(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^onering: .*; see onering help\n$/);
    expect(stderr).toContain(complaint);
  });

  it('hands its arguments to the subcommand', async () => {
    const { code, stdout } = await onering('serve', '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: onering serve/);
  });
});
