/**
 * What sockets and files do to a whole process: keeping it alive or not, ending with it, running
 * out of descriptors, missing permissions. Each case is a child on the build, on every backend.
 */

import { describe, expect, it } from 'vitest';
import { importUrl, runScript } from '../support/child.ts';
import type { ChildResult } from '../support/child.ts';
import { backends } from '../support/conformance-suite.ts';
import type { Backend } from '../support/conformance-suite.ts';

const PRELUDE = `
  import { once } from 'node:events';
  import { closeSync, openSync } from 'node:fs';
  import { open } from 'node:fs/promises';
  import net from 'node:net';
  import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
  import { File, runtime, TcpListener, TcpStream } from '${importUrl('dist/src/io/index.js')}';
  const hostname = '127.0.0.1';
  const say = (text) => process.stdout.write(text + '\\n');
  const fieldsOf = ({ message, code, errno, syscall, path, address, port }) =>
    JSON.stringify({ message, code, errno, syscall, path, address, port });
`;

interface Limits {
  /** Descriptors that the child may have. */
  readonly descriptors?: number;
}

function run(backend: Backend, source: string, limits: Limits = {}): Promise<ChildResult> {
  const { descriptors } = limits;
  const env = { ONERING_BACKEND: backend };
  if (descriptors === undefined) return runScript(PRELUDE + source, { env });
  const shell = `ulimit -n ${descriptors} && exec "$0" "$@"`;
  return runScript(PRELUDE + source, {
    env,
    node: '/bin/sh',
    nodeArgs: ['-c', shell, process.execPath],
  });
}

/** Lines that a child printed before it ended by itself. */
function linesOf(result: ChildResult): string[] {
  expect(result.stderr).toBe('');
  expect([result.code, result.signal, result.isTimedOut]).toEqual([0, null, false]);
  return result.stdout.trimEnd().split('\n');
}

function withoutLocal(error: { message: string } | undefined): unknown {
  return { ...error, message: error?.message.replace(/ - Local .*/, '') };
}

describe.each(backends)('a process on %s', (backend) => {
  it('ends when everything is closed', async () => {
    const result = await run(
      backend,
      `
      const listener = await TcpListener.listen({ hostname, port: 0 });
      const { port } = listener.address();
      const client = await TcpStream.connect({ hostname, port });
      const server = await listener.accept();
      await client.write('x');
      await server.read();
      await Promise.all([client.close(), server.close(), listener.close()]);
      const file = await File.open('/dev/null', 'r+');
      await file.write(Buffer.from('x'));
      await file.close();
      say('done');
      `,
    );
    expect(linesOf(result)).toEqual(['done']);
    expect(result.elapsedMs).toBeLessThan(5000);
  });

  it.each([
    ['a listener that is unreferenced', `listener.unref();`],
    ['an accept of one', `listener.unref(); void listener.accept();`],
    [
      'streams that are unreferenced',
      `const client = await TcpStream.connect({ hostname, port: listener.address().port });
       const server = await listener.accept();
       void client.read(); void server.read();
       client.unref(); server.unref(); listener.unref();`,
    ],
    [
      'streams that were unreferenced before they read',
      `const client = await TcpStream.connect({ hostname, port: listener.address().port });
       client.unref(); listener.unref();
       void client.read();`,
    ],
  ])('is not kept alive by %s', async (_name, source) => {
    const result = await run(
      backend,
      `const listener = await TcpListener.listen({ hostname, port: 0 });
       ${source}
       process.on('exit', () => say('exit'));`,
    );
    expect(linesOf(result)).toEqual(['exit']);
    expect(result.elapsedMs).toBeLessThan(5000);
  });

  it.each([
    ['a listener', `const keeping = listener;`],
    ['a listener that was referenced again', `const keeping = listener.unref().ref();`],
    [
      'a stream that reads',
      `const keeping = await TcpStream.connect({ hostname, port: listener.address().port });
       keeping.read().catch(() => {});
       listener.unref();`,
    ],
    [
      'a stream that reads and was referenced again',
      `const keeping = await TcpStream.connect({ hostname, port: listener.address().port });
       keeping.unref();
       keeping.read().catch(() => {});
       keeping.ref();
       listener.unref();`,
    ],
  ])('is kept alive by %s', async (_name, source) => {
    const result = await run(
      backend,
      `const listener = await TcpListener.listen({ hostname, port: 0 });
       ${source}
       process.on('exit', () => say('exit'));
       // An unreferenced timer fires only if something else keeps the process alive.
       const end = () => {
         say('alive');
         void keeping.close();
         void listener.close();
       };
       setTimeout(end, 100).unref();`,
    );
    expect(linesOf(result)).toEqual(['alive', 'exit']);
  });

  it('can exit with everything in flight', async () => {
    const result = await run(
      backend,
      `
      const listener = await TcpListener.listen({ hostname, port: 0 });
      const { port } = listener.address();
      const client = await TcpStream.connect({ hostname, port });
      const server = await listener.accept();
      void listener.accept();
      void client.read();
      void client.write(Buffer.alloc(20_000_000));
      const file = await File.open('/dev/zero');
      void file.read(Buffer.alloc(4_000_000));
      await nextTurn();
      process.exitCode = 0;
      say('exiting');
      process.exit();
      `,
    );
    expect(linesOf(result)).toEqual(['exiting']);
  });

  it('hears of an uncaught exception in a callback with the right trace', async () => {
    const result = await run(
      backend,
      `
      const listener = await TcpListener.listen({
        hostname, port: 0,
        socket: { data: function onData() { throw new Error('mine'); } },
      });
      const client = await TcpStream.connect({ hostname, port: listener.address().port });
      await client.write('x');
      `,
    );
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('Error: mine');
    expect(result.stderr).toContain('onData');
  });

  it('fails as node:net and node:fs do without descriptors', async () => {
    const result = await run(
      backend,
      `
      const listener = await TcpListener.listen({ hostname, port: 0 });
      const { port } = listener.address();
      const connecting = () => new Promise((resolve, reject) => {
        net.connect({ host: hostname, port }).on('error', reject).on('connect', resolve);
      });
      // Whatever is loaded or opened on first use is there from now on.
      await (await File.open('/dev/null')).close();
      await (await TcpStream.connect({ hostname, port })).close();
      await (await listener.accept()).close();
      await Promise.allSettled([open('/missing'), File.open('/missing')]);
      const fillers = [];
      try {
        for (;;) fillers.push(openSync('/dev/null'));
      } catch {}
      const errors = [];
      for (const attempt of [
        () => File.open('/dev/null'), () => open('/dev/null'),
        () => TcpStream.connect({ hostname, port }), connecting,
        () => TcpListener.listen({ hostname, port: 0 }),
      ]) {
        errors.push(await attempt().catch((error) => error));
      }
      for (const fd of fillers) closeSync(fd);
      for (const error of errors) say(fieldsOf(error));
      await (await File.open('/dev/null')).close();
      await listener.close();
      `,
      { descriptors: 200 },
    );
    const lines = linesOf(result).map((line) => JSON.parse(line) as { message: string });
    const [file, nodeFile, stream, socket, listener] = lines;
    expect(file).toEqual(nodeFile);
    // Node says in addition that there is no local address.
    expect(withoutLocal(stream)).toEqual(withoutLocal(socket));
    expect(listener).toMatchObject({
      code: 'EMFILE',
      message: 'listen EMFILE: too many open files 127.0.0.1',
    });
  });

  it('may not listen where it has no permission', async () => {
    const result = await run(
      backend,
      `
      // Opened before: another user may not be able to read this folder.
      await runtime().nop();
      if (process.getuid() === 0) process.setuid(65534);
      const nodes = await new Promise((resolve) => {
        net.createServer().on('error', resolve).listen({ host: hostname, port: 1 });
      });
      const ours = await TcpListener.listen({ hostname, port: 1 }).catch((error) => error);
      say(fieldsOf(nodes));
      say(fieldsOf(ours));
      `,
    );
    const [nodes, ours] = linesOf(result);
    expect(nodes).toContain('"code":"EACCES"');
    expect(ours).toBe(nodes);
  });
});

describe('a process on uring', () => {
  it('accepts again once there are descriptors again', async () => {
    // 1. Clients are connected while few descriptors are left: some wait in the backlog.
    // 2. Nothing is accepted for a while, and nothing fails.
    // 3. Descriptors become free: every client is served.
    const result = await run(
      'uring',
      `
      const listener = await TcpListener.listen({ hostname, port: 0 });
      const { port } = listener.address();
      let accepted = 0;
      const serving = (async () => {
        for await (const stream of listener) {
          accepted += 1;
          stream.write('served').catch(() => {});
        }
      })();
      const first = await TcpStream.connect({ hostname, port });
      await first.read();
      const fillers = [];
      try {
        for (;;) fillers.push(openSync('/dev/null'));
      } catch {}
      for (const fd of fillers.splice(0, 20)) closeSync(fd);
      // 1. At once, so that the clients have their descriptors before anything is accepted.
      const connected = await Promise.all(
        Array.from({ length: 15 }, () => TcpStream.connect({ hostname, port })),
      );
      // 2.
      await sleep(200);
      say(String(accepted < connected.length + 1));
      // 3.
      for (const fd of fillers) closeSync(fd);
      const texts = await Promise.all(connected.map((client) => client.read().then(String)));
      say(String(texts.every((text) => text === 'served')));
      say(String(accepted === connected.length + 1));
      await Promise.all(connected.map((client) => client.close()));
      await first.close();
      await runtime().close();
      await serving;
      `,
      { descriptors: 200 },
    );
    expect(linesOf(result)).toEqual(['true', 'true', 'true']);
  });

  it('moves file data through workers unharmed', async () => {
    const result = await run(
      'uring',
      `
      import { createHash } from 'node:crypto';
      import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
      import { tmpdir } from 'node:os';
      import { join } from 'node:path';
      import { Worker } from 'node:worker_threads';
      const work = async (workerData) => {
        const { path, entry } = workerData;
        const { File, runtime } = await import(entry);
        const { createHash } = await import('node:crypto');
        const bytes = Buffer.alloc(4 * 1024 * 1024 + 17);
        for (let i = 0; i < bytes.length; i += 1) bytes[i] = (i * 7 + (i >> 8)) & 0xff;
        const file = await File.open(path, 'w+');
        await file.write(bytes, { position: 0 });
        const back = Buffer.alloc(bytes.length, 0xff);
        const reads = [];
        for (let at = 0; at < bytes.length; at += 300_001) {
          const length = Math.min(300_001, bytes.length - at);
          reads.push(file.read(back, { offset: at, length, position: at }));
        }
        await Promise.all(reads);
        const small = Buffer.alloc(8, '.');
        const count = await file.read(small, { offset: 2, length: 4, position: bytes.length - 3 });
        const { backend } = runtime();
        const { size } = await file.stat();
        await file.close();
        await runtime().close();
        const digest = (data) => createHash('sha1').update(data).digest('hex');
        return {
          backend, size, count, isEqual: back.equals(bytes), digest: digest(bytes),
          edges: [small[0], small[1], small[5], small[6]],
        };
      };
      const directory = mkdtempSync(join(tmpdir(), 'onering-'));
      const path = join(directory, 'file');
      const entry = '${importUrl('dist/src/io/index.js')}';
      const worker = new Worker(
        \`const { parentPort, workerData } = require('node:worker_threads');
         (\${work})(workerData).then((answer) => parentPort.postMessage(answer));\`,
        { eval: true, execArgv: [], workerData: { path, entry } },
      );
      const exited = once(worker, 'exit');
      const [answer] = await once(worker, 'message');
      const [code] = await exited;
      const { digest, ...rest } = answer;
      say(JSON.stringify({ ...rest, code }));
      say(String(createHash('sha1').update(readFileSync(path)).digest('hex') === digest));
      rmSync(directory, { recursive: true });
      `,
    );
    const [answer = '', isSame] = linesOf(result);
    expect(JSON.parse(answer)).toEqual({
      backend: 'uring',
      size: 4 * 1024 * 1024 + 17,
      count: 3,
      isEqual: true,
      edges: [0x2e, 0x2e, 0x2e, 0x2e],
      code: 0,
    });
    expect(isSame).toBe('true');
  });
});
