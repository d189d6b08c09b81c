/**
 * What lives beside the ring in one process: the inspector, plain sockets of Node's, other copies
 * and other ways of loading the package; and the end of a runtime while the process goes on.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempDirectory } from '../support/temp-directory.ts';
import { hosts, ringHosts, runProgram } from './host.ts';
import type { Host } from './host.ts';
import { connectInspector } from './inspector-client.ts';

interface SocketsReport {
  readonly before: number;
  readonly beside: number;
  readonly after: number;
}

interface CopiesReport {
  readonly rounds: number;
  readonly backends: readonly string[];
}

interface CloseReport {
  readonly settled: Readonly<Record<string, readonly (string | number)[]>>;
  readonly closedMs: number;
  readonly inFlight: number;
  readonly left: readonly string[];
  readonly lateCompletions: number;
}

const program = (name: string): URL => new URL(`programs/${name}.mjs`, import.meta.url);
const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the inspector', () => {
  it.each(hosts)('evaluates while the ring sleeps on $label', async (host) => {
    const { child, url } = await startInspected(host);
    const client = await connectInspector(url);
    const startMs = performance.now();
    for (let n = 0; n < 10; n += 1) {
      expect(await client.evaluate(`answer + ${n}`)).toBe(42 + n);
    }
    expect(performance.now() - startMs).toBeLessThan(2000);
    const exited = once(child, 'exit');
    expect(await client.evaluate('finish()')).toBe('finished');
    // An open session keeps an inspected program from ending.
    client.close();
    expect(await exited).toEqual([0, null]);
  });
});

/** A child that waits for its inspector, and where that listens. */
async function startInspected(host: Host): Promise<{
  child: ReturnType<typeof spawn>;
  url: string;
}> {
  const args = ['--inspect=127.0.0.1:0', fileURLToPath(program('inspected'))];
  const env = { ...process.env, ONERING_BACKEND: host.backend, NODE_OPTIONS: '' };
  const child = spawn(host.node, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let stderr = '';
  let url: string | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    url ??= /ws:\/\/\S+/.exec(stderr)?.[0];
  });
  const exited = once(child, 'exit').then(() => expect.unreachable(`It ended early: ${stderr}`));
  // Printed when the ring is about to sleep; the address is there long before.
  await Promise.race([once(child.stdout, 'data'), exited]);
  return { child, url: url ?? expect.unreachable(`No address: ${stderr}`) };
}

describe('plain sockets in the same process', () => {
  it.each(hosts)('open and close as fast as without a ring on $label', async (host) => {
    const { before, beside, after } = await runProgram<SocketsReport>(
      host,
      program('plain-sockets'),
      ['idle'],
    );
    // Seen when it goes wrong: 40 ms a connection instead of a fraction of one.
    expect(beside).toBeLessThan(3 * Math.max(before, after) + 1);
  });

  it.each(ringHosts)('are served while the ring is at full speed on $label', async (host) => {
    const report = await runProgram<SocketsReport>(host, program('plain-sockets'), ['echo']);
    expect(report.beside).toBeLessThan(25);
  });
});

describe('the package', () => {
  it.each(hosts)('gives one runtime a thread, however it is loaded on $label', async (host) => {
    // A package of its own that depends on this very copy.
    const folder = tempDirectory();
    const modules = join(folder, 'node_modules');
    mkdirSync(modules);
    symlinkSync(root, join(modules, 'onering'), 'dir');
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'index.js'), "export * from 'onering';");
    const url = pathToFileURL(join(folder, 'index.js')).href;
    const options = { nodeArgs: ['--disable-warning=ExperimentalWarning'] };
    const { backend } = await runProgram<{ backend: string }>(
      host,
      program('identity'),
      [url],
      options,
    );
    expect(backend).toBe(host.backend);
  });

  it.each(hosts)('works beside another copy of itself on $label', async (host) => {
    const folder = tempDirectory();
    const copy = join(folder, 'node_modules', 'onering');
    mkdirSync(copy, { recursive: true });
    cpSync(join(root, 'dist', 'src'), join(copy, 'dist', 'src'), { recursive: true });
    cpSync(join(root, 'package.json'), join(copy, 'package.json'));
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    for (const name of Object.keys(manifest.dependencies)) {
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'dir');
    }
    const url = pathToFileURL(join(copy, 'dist', 'src', 'io', 'index.js')).href;
    // A thread has one place to wait: the second copy does without the ring.
    const env = host.backend === 'uring' ? { ONERING_BACKEND: 'auto' } : {};
    const options = { env };
    const report = await runProgram<CopiesReport>(host, program('copies'), [url], options);
    expect(report).toMatchObject({ rounds: 100, backends: [host.backend, 'libuv'] });
  });
});

describe('closing a runtime with work in flight', () => {
  it.each(hosts)('settles everything and leaves nothing open on $label', async (host) => {
    const report = await runProgram<CloseReport>(host, program('close-in-flight'), []);
    expect(report).toMatchObject({ inFlight: 0, left: [], lateCompletions: 0 });
    expect(report.closedMs).toBeLessThan(2000);
    const { settled } = report;
    expect(settled).toMatchObject({
      read: ['ERR_SOCKET_CLOSED'],
      accept: ['ERR_LISTENER_CLOSED'],
      write: ['ERR_SOCKET_CLOSED'],
      nop: [0],
      timer: ['done'],
    });
    const fileOutcomes = settled['file'] ?? [];
    expect(fileOutcomes).toHaveLength(4);
    // A large read has several steps, and the first of them may still be the question what is read.
    const possible = [4 * 1024 * 1024, 'ECANCELED', 'ERR_RUNTIME_CLOSED'];
    for (const outcome of fileOutcomes) expect(possible).toContain(outcome);
    if (host.backend === 'libuv') return;
    expect(settled).toMatchObject({
      poll: ['EBADF'],
      waiting: ['ECANCELED'],
      multishot: ['ECANCELED'],
    });
  });

  it.each(ringHosts)('a queue that had grown leaves nothing running on $label', async (host) => {
    const report = await runProgram<{ grown: number; cpuShare: number }>(
      host,
      program('close-grown'),
      [],
    );
    expect(report.grown).toBeGreaterThan(0);
    expect(report.cpuShare).toBeLessThan(0.5);
  });
});
