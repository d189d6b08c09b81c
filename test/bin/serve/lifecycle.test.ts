/**
 * The life of `onering serve`: how it starts or does not, what a client that leaves costs, what
 * signals do to connections in every state, and that nothing is left.
 */

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { tempDirectory } from '../../support/temp-directory.ts';
import { ServerProcess } from './server-process.ts';
import type { Exit } from './server-process.ts';

const isLinux = process.platform === 'linux';
const isWindows = process.platform === 'win32';

/** More than the sockets between a server and a client that does not read can hold. */
const largeSize = 64 * 1024 * 1024;

async function start(folder: string): Promise<ServerProcess> {
  const server = await ServerProcess.start(folder);
  onTestFinished(() => server.stop());
  return server;
}

function run(args: string[], env?: NodeJS.ProcessEnv): Promise<Exit> {
  const server = new ServerProcess(args, env);
  onTestFinished(() => server.stop());
  return server.exited;
}

/** A folder with one large file of zeros that occupies no space. */
function folderWithLargeFile(): string {
  const folder = tempDirectory();
  writeFileSync(join(folder, 'large.bin'), '');
  truncateSync(join(folder, 'large.bin'), largeSize);
  return folder;
}

/** Begins a download and does not read it. */
async function stall(server: ServerProcess): Promise<IncomingMessage> {
  const response = await server.open('/large.bin', { agent: false });
  onTestFinished(() => void response.destroy());
  response.on('error', () => {
    // Being cut off is what some tests are about: they look at `complete`.
  });
  return response;
}

/** How many of its descriptors lead to a file. */
function countOpen(server: ServerProcess, file: string): number {
  const folder = `/proc/${server.pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(join(folder, fd)) === file;
    } catch {
      // Closed between the listing and the look.
      return false;
    }
  }).length;
}

async function openIdle(server: ServerProcess): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write('HEAD / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  return socket;
}

/** A connection that says nothing. It may be reset, if the server ends before it accepts it. */
async function openUnused(server: ServerProcess): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.on('error', (error) => expect(error).toMatchObject({ code: 'ECONNRESET' }));
  return socket;
}

/** Unlike `once`, it does not reject for an error that comes first and is nobody's yet. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

describe('starting', () => {
  it.each([
    ['no folder', [], 2, /^onering serve: Name the folder/],
    ['two folders', ['a', 'b'], 2, /'b' is a second one/],
    ['a port that is none', ['.', '--port', 'http'], 2, /'http'/],
    ['a port too high', ['.', '--port', '65536'], 2, /'65536'/],
    ['an option that is none', ['.', '--prot', '1'], 2, /'--prot'/],
    ['an empty host', ['.', '--host', ''], 2, /--host/],
    ['a folder that is missing', ['nowhere/at/all'], 1, /There is no folder nowhere\/at\/all/],
    ['a file for a folder', ['package.json'], 1, /package\.json is not a folder/],
    ['a foreign address', ['.', '--host', '192.0.2.1', '--port', '0'], 1, /192\.0\.2\.1 is not/],
  ] as const)('fails with one line for %s', async (_what, args, code, line) => {
    const exit = await run([...args]);
    expect(exit).toMatchObject({ code, signal: null, stdout: '' });
    expect(exit.stderr).toMatch(line);
    expect(exit.stderr.match(/\n/g)).toHaveLength(1);
  });

  it('fails with one line for a port that is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const exit = await run([tempDirectory(), '--port', String(port)]);
    expect(exit).toMatchObject({ code: 1, stdout: '' });
    expect(exit.stderr).toMatch(new RegExp(`^onering serve: Port ${port} .*taken.*\\n$`));
  });

  it('fails with one line for a backend that is none', async () => {
    const exit = await run([tempDirectory(), '--port', '0'], { ONERING_BACKEND: 'epoll' });
    expect(exit).toMatchObject({ code: 1, stdout: '' });
    expect(exit.stderr).toMatch(/^onering serve: .*ONERING_BACKEND.*\n$/);
  });

  it('explains itself', async () => {
    const { code, stdout, stderr } = await run(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('onering serve DIR');
  });
});

describe('clients', () => {
  it.runIf(isLinux)('that go away free the file', async () => {
    const folder = folderWithLargeFile();
    const server = await start(folder);
    const file = join(folder, 'large.bin');
    const responses = await Promise.all(Array.from({ length: 8 }, () => stall(server)));
    expect(countOpen(server, file)).toBe(8);
    for (const response of responses) response.destroy();
    await vi.waitFor(() => expect(countOpen(server, file)).toBe(0), { timeout: 10_000 });
    expect((await server.get('/')).status).toBe(200);
    expect(server.stderr).toBe('');
  });

  it.runIf(isLinux)('cost no descriptor once they have left', async () => {
    const folder = folderWithLargeFile();
    writeFileSync(join(folder, 'small.txt'), 'small');
    const server = await start(folder);
    const count = (): number => readdirSync(`/proc/${server.pid}/fd`).length;
    const visit = async (): Promise<void> => {
      const range = { range: 'bytes=0-9' };
      for (const path of ['/', '/small.txt', '/nowhere', '/large.bin']) {
        await server.get(path, { agent: false, headers: range });
      }
    };
    await visit();
    await vi.waitFor(() => expect(countOpen(server, join(folder, 'small.txt'))).toBe(0));
    const before = count();
    await Promise.all(Array.from({ length: 20 }, visit));
    await vi.waitFor(() => expect(count()).toBeLessThanOrEqual(before), { timeout: 10_000 });
  });

  it('that read slowly get everything', async () => {
    const folder = tempDirectory();
    const content = randomBytes(4 * 1024 * 1024);
    writeFileSync(join(folder, 'random.bin'), content);
    const server = await start(folder);
    const response = await server.open('/random.bin', { agent: false });
    const hash = createHash('sha256');
    for await (const chunk of response) {
      hash.update(chunk as Buffer);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
  });

  it('are cut off when the file becomes shorter than promised', async () => {
    const folder = folderWithLargeFile();
    const server = await start(folder);
    const response = await stall(server);
    truncateSync(join(folder, 'large.bin'), 1024);
    const failure = await buffer(response).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(response.complete).toBe(false);
    expect((await server.get('/large.bin')).body).toHaveLength(1024);
    expect(server.stderr).toMatch(/^onering serve: GET \/large\.bin: The file became shorter.*\n$/);
  });
});

describe.skipIf(isWindows)('signals', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('%s ends it at once when it is idle', async (signal) => {
    const server = await start(tempDirectory());
    const idle = await openIdle(server);
    const unused = await openUnused(server);
    const closed = Promise.all([closeOf(idle), closeOf(unused)]);
    server.kill(signal);
    const exit = await server.exited;
    expect(exit).toMatchObject({ code: 0, signal: null, stderr: '' });
    await closed;
  });

  it('resets a connection that it had no time to accept', async () => {
    const server = await start(tempDirectory());
    // The kernel connects for a process that is stopped.
    server.kill('SIGSTOP');
    const unused = await openUnused(server);
    const closed = closeOf(unused);
    server.kill('SIGINT');
    server.kill('SIGCONT');
    expect(await server.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
    await closed;
  });

  it('ends after what runs, and takes nothing new', async () => {
    const folder = folderWithLargeFile();
    const server = await start(folder);
    const idle = await openIdle(server);
    const response = await stall(server);
    server.kill('SIGTERM');
    await once(idle, 'close');
    const refused = connect(server.port, '127.0.0.1');
    const [error] = await once(refused, 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(await buffer(response)).toHaveLength(largeSize);
    expect(await server.exited).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('ends at once with a second one', async () => {
    const server = await start(folderWithLargeFile());
    const idle = await openIdle(server);
    const response = await stall(server);
    server.kill('SIGINT');
    // When this is closed, the first signal has been heard.
    await once(idle, 'close');
    server.kill('SIGINT');
    expect(await server.exited).toMatchObject({ code: 130 });
    await buffer(response).catch(() => null);
    expect(response.complete).toBe(false);
  });

  it('finds the folder gone, and still ends well', async () => {
    const folder = join(tempDirectory(), 'site');
    mkdirSync(folder);
    const server = await start(folder);
    rmdirSync(folder);
    expect((await server.get('/')).status).toBeGreaterThanOrEqual(200);
    server.kill('SIGTERM');
    expect(await server.exited).toMatchObject({ code: 0, stderr: '' });
  });
});
