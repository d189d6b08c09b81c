/**
 * `onering serve --workers`: every worker serves, counters cover all of them, and a signal ends the
 * crew as it ends a single server.
 */

import { once } from 'node:events';
import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Runtime } from '../../../src/runtime/runtime.ts';
import { tempDirectory } from '../../support/temp-directory.ts';
import { ServerProcess } from './server-process.ts';

interface Metrics {
  readonly backend: string;
  readonly server: { readonly connections: number; readonly requests: number };
  readonly workers: readonly Metrics[];
}

const largeSize = 32 * 1024 * 1024;

const { backend, reason } = await probe();

async function probe(): Promise<Runtime> {
  const runtime = new Runtime();
  await runtime.close();
  return runtime;
}

function folderWithFiles(): string {
  const folder = tempDirectory();
  writeFileSync(join(folder, 'small.txt'), 'small');
  writeFileSync(join(folder, 'large.bin'), '');
  truncateSync(join(folder, 'large.bin'), largeSize);
  return folder;
}

async function start(...args: string[]): Promise<ServerProcess> {
  const server = new ServerProcess([folderWithFiles(), '--port', '0', ...args]);
  onTestFinished(() => server.stop());
  await server.firstLine();
  return server;
}

async function metricsOf(server: ServerProcess): Promise<Metrics> {
  const { body } = await server.get('/-/metrics');
  return JSON.parse(String(body)) as Metrics;
}

/** One request on a connection of its own, which is closed then. */
async function visit(server: ServerProcess): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  socket.end('GET /small.txt HTTP/1.0\r\nHost: x\r\n\r\n');
  return String(await buffer(socket)).split('\r\n\r\n')[1] ?? '';
}

describe.skipIf(backend === 'libuv').each([
  ['--workers', '3'],
  ['--workers', '3', '--balance'],
])('onering serve %s %s %s', (...args) => {
  const given = args.filter((arg): arg is string => arg !== undefined);
  const isBalanced = given.includes('--balance');

  it('serves from every worker and adds its counters up', async () => {
    const server = await start(...given);
    expect(await server.firstLine()).toContain('3 workers');
    const bodies = await Promise.all(Array.from({ length: 60 }, () => visit(server)));
    expect(new Set(bodies)).toEqual(new Set(['small']));
    const metrics = await metricsOf(server);
    expect(metrics.workers.map((worker) => worker.backend)).toEqual(Array(3).fill('uring'));
    const counts = metrics.workers.map((worker) => worker.server.connections);
    // The one that asks is the 61st.
    expect(metrics.server).toMatchObject({ connections: 61, requests: 61 });
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(61);
    if (isBalanced) expect(counts.toSorted((a, b) => a - b)).toEqual([20, 20, 21]);
    else expect(Math.min(...counts)).toBeGreaterThan(0);
    server.kill('SIGTERM');
    const exit = await server.exited;
    expect(exit).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('finishes what runs when it is told to stop, and takes nothing new', async () => {
    const server = await start(...given);
    const { port } = server;
    const response = await server.open('/large.bin', { agent: false });
    server.kill('SIGTERM');
    let size = 0;
    for await (const chunk of response) size += (chunk as Buffer).length;
    expect(size).toBe(largeSize);
    expect(await server.exited).toMatchObject({ code: 0, stderr: '' });
    const late = connect(port, '127.0.0.1');
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });

  it('keeps no descriptor of connections that are over', async () => {
    const server = await start(...given);
    await Promise.all(Array.from({ length: 10 }, () => visit(server)));
    const open = (): number => readdirSync(`/proc/${server.pid}/fd`).length;
    const before = open();
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 20 }, () => visit(server)));
    }
    // The last may be closing still.
    expect(open()).toBeLessThan(before + 20);
  });
});

/** Preloaded, it keeps the main thread busy from when a worker starts until long after it ended. */
const busyMain = `data:text/javascript,${encodeURIComponent(`
  import { isMainThread } from 'node:worker_threads';
  const block = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  if (isMainThread) process.once('worker', (worker) => worker.once('online', block));
`)}`;

describe('onering serve --workers', () => {
  async function complaint(...args: string[]): Promise<[number | null, string]> {
    return complaintIn({}, ...args);
  }

  async function complaintIn(
    env: NodeJS.ProcessEnv,
    ...args: string[]
  ): Promise<[number | null, string]> {
    const server = new ServerProcess(args, env);
    onTestFinished(() => server.stop());
    const { code, stderr } = await server.exited;
    return [code, stderr];
  }

  it('refuses numbers that cannot be, and --balance alone', async () => {
    expect(await complaint('.', '--workers', 'x')).toEqual([2, expect.stringContaining("'x'")]);
    expect(await complaint('.', '--balance')).toEqual([2, expect.stringContaining('--workers')]);
  });

  it.skipIf(backend === 'libuv')('tells why a worker cannot serve', async () => {
    const [code, stderr] = await complaint('/does/not/exist', '--port', '0', '--workers', '2');
    expect([code, stderr]).toEqual([1, 'onering serve: There is no folder /does/not/exist\n']);
  });

  it.skipIf(backend === 'libuv')('tells it also when it is heard after the end', async () => {
    const busy = { NODE_OPTIONS: `--import ${busyMain}` };
    const [code, stderr] = await complaintIn(
      busy,
      '/does/not/exist',
      '--port',
      '0',
      '--workers',
      '2',
    );
    expect([code, stderr]).toEqual([1, 'onering serve: There is no folder /does/not/exist\n']);
  });

  it('says that it needs the ring', async () => {
    const server = new ServerProcess(['.', '--port', '0', '--workers', '2'], {
      ONERING_BACKEND: 'libuv',
    });
    onTestFinished(() => server.stop());
    const { code, stderr } = await server.exited;
    expect([code, stderr]).toEqual([1, expect.stringContaining('--workers needs io_uring')]);
    expect(reason === null || backend === 'libuv').toBe(true);
  });
});
