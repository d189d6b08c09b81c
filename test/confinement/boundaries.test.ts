/**
 * Where the ring stands to the boundaries around a process, as SECURITY.md has it: filters on other
 * system calls, rights that were given up, children. Each case is a process of its own.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { importUrl, runScript } from '../support/child.ts';
import type { ChildResult } from '../support/child.ts';
import { ringTest } from '../support/ring-test.ts';
import { tempDirectory } from '../support/temp-directory.ts';

/** `openat(2)`, whose number differs between processors. */
const OPENAT = process.arch === 'x64' ? 257 : 56;
const isRoot = process.getuid?.() === 0;

const PRELUDE = `
  import { spawnSync } from 'node:child_process';
  import { openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
  import { File, prep, runtime, TcpListener } from '${importUrl('dist/src/io/index.js')}';
  import { installFilter } from '${importUrl('test/confinement/programs/filter.mjs')}';
  const ring = runtime();
  await ring.nop();
  const linkOf = (fd) => {
    try {
      return readlinkSync('/proc/self/fd/' + fd);
    } catch {
      // The one that the folder was read through.
      return '';
    }
  };
  const codeOf = async (run) => {
    try {
      await run();
      return 'done';
    } catch ({ code }) {
      return code;
    }
  };
`;

/** Runs a script that prints one line of JSON. */
async function run(script: string, ...args: string[]): Promise<unknown> {
  const result: ChildResult = await runScript(PRELUDE + script, { args });
  expect([result.code, result.signal, result.stderr]).toEqual([0, null, '']);
  return JSON.parse(result.stdout);
}

describe('a seccomp filter on another call', () => {
  ringTest('6.1', 'does not see what the ring does', async () => {
    const script = `
      installFilter({ first: ${OPENAT}, last: ${OPENAT}, action: 'EPERM' });
      const byNode = await codeOf(() => openSync('/dev/null'));
      const byRing = await codeOf(() => File.open('/dev/null'));
      console.log(JSON.stringify({ byNode, byRing }));
      process.exit();
    `;
    expect(await run(script)).toEqual({ byNode: 'EPERM', byRing: 'done' });
  });
});

describe('rights that were given up', () => {
  ringTest('6.1', 'are not had by operations that begin later', async () => {
    if (!isRoot) return;
    const path = join(tempDirectory(), 'secret');
    writeFileSync(path, 'secret', { mode: 0o600 });
    const script = `
      const [path] = process.argv.slice(-1);
      const name = ring.buffers.allocate(path.length + 1);
      name.bytes.write(path);
      // By a kernel worker, which is there from before.
      const openInWorker = () =>
        ring.submit((sqe) => {
          prep.prepOpenat(sqe, prep.AT_FDCWD, name.address, 0, 0);
          prep.setSqeFlags(sqe, prep.IOSQE_ASYNC);
        });
      const openBoth = async () => [
        await codeOf(openInWorker),
        await codeOf(() => File.open(path)),
      ];
      const before = await openBoth();
      process.setgroups([]);
      process.setgid(65534);
      process.setuid(65534);
      const after = await openBoth();
      console.log(JSON.stringify({ before, after }));
      process.exit();
    `;
    expect(await run(script, path)).toEqual({
      before: ['done', 'done'],
      after: ['EACCES', 'EACCES'],
    });
  });
});

describe('a child', () => {
  ringTest('6.1', 'inherits no ring, no memory of it, and no socket', async () => {
    const script = `
      const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
      const file = await File.open('/proc/self/status');
      const links = readdirSync('/proc/self/fd').map((fd) => linkOf(fd));
      const sockets = links.filter((name) => name.startsWith('socket:'));
      const look = 'ls -l /proc/self/fd; cat /proc/self/maps';
      const { stdout } = spawnSync('/bin/sh', ['-c', look], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const here = readFileSync('/proc/self/maps', 'utf8').includes('[io_uring]');
      const there = /io_uring|SYSV|status/.test(stdout);
      const inherited = sockets.filter((name) => stdout.includes(name));
      const hasLooked = stdout.includes('[stack]') && sockets.length > 0;
      console.log(JSON.stringify({ here, there, inherited, hasLooked }));
      await Promise.all([listener.close(), file.close()]);
    `;
    expect(await run(script)).toEqual({
      here: true,
      there: false,
      inherited: [],
      hasLooked: true,
    });
  });
});
