/**
 * The bindings themselves: that each C function is the one that its name says, that addresses and
 * errno cross unharmed, and that callbacks and hooks arrive.
 */

import { closeSync, openSync, readlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { EBADF, EINVAL } from '../../src/native/errno.ts';
import { loadLibc } from '../../src/native/libc.ts';
import type { Libc } from '../../src/native/libc.ts';
import { runScript } from '../support/child.ts';
import { importUrl } from '../support/child.ts';

function load(): Libc {
  const libc = loadLibc();
  if (typeof libc === 'string') throw new Error(libc);
  return libc;
}

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const SYS_GETPID = process.arch === 'x64' ? 39 : 172;

describe('loadLibc', () => {
  it('loads once a thread', () => {
    expect(loadLibc()).toBe(load());
  });

  it('says why there is nothing on another platform or processor', async () => {
    const script = (property: string, value: string): string => `
      Object.defineProperty(process, '${property}', { value: '${value}' });
      const { loadLibc } = await import('${importUrl('dist/src/native/libc.js')}');
      process.stdout.write(String(loadLibc()));
    `;
    const platform = await runScript(script('platform', 'darwin'));
    expect(platform.stdout).toBe('the platform is darwin, not linux');
    const processor = await runScript(script('arch', 'ia32'));
    expect(processor.stdout).toBe('the processor architecture ia32 is not supported');
  });

  it('says why there is nothing without koffi', async () => {
    const result = await runScript(`
      import Module from 'node:module';
      const resolve = Module._resolveFilename;
      Module._resolveFilename = (name, ...rest) => {
        if (name === 'koffi') throw new Error('no such package');
        return resolve(name, ...rest);
      };
      const { loadLibc } = await import('${importUrl('dist/src/native/libc.js')}');
      process.stdout.write(String(loadLibc()));
    `);
    expect(result.stdout).toBe('koffi could not be loaded: no such package');
  });
});

describe('Libc, calls', () => {
  it('makes system calls by number', () => {
    expect(load().syscall(SYS_GETPID, 0, 0, 0, 0, 0, 0)).toBe(process.pid);
    expect(load().enter(SYS_GETPID, 0, 0, 0, 0, 0, 0)).toBe(process.pid);
  });

  it('reports errno after -1', () => {
    const libc = load();
    expect(libc.close(-1)).toBe(-1);
    expect(libc.errno()).toBe(EBADF);
    expect(libc.munmap(1, 4096)).toBe(-1);
    expect(libc.errno()).toBe(EINVAL);
  });

  it('closes the descriptor that it is told to', () => {
    const fd = openSync('/dev/null', 'r');
    expect(load().close(fd)).toBe(0);
    expect(() => readlinkSync(`/proc/self/fd/${fd}`)).toThrow('ENOENT');
    expect(() => closeSync(fd)).toThrow('EBADF');
  });

  it('passes numbers beyond 32 bits, and negative ones', () => {
    const libc = load();
    const address = libc.mmap(0, 4096, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    expect(address).toBeGreaterThan(2 ** 32);
    expect(Number.isSafeInteger(address)).toBe(true);
    const bytes = new Uint8Array(libc.view(address, 4096));
    bytes[4095] = 0x5a;
    expect(libc.addressOf(bytes.buffer)).toBe(address);
    expect(libc.munmap(address, 4096)).toBe(0);
  });

  it('has every function that it declares', () => {
    const { syscall, enter, ...others } = load();
    expect([typeof syscall, typeof enter]).toEqual(['function', 'function']);
    for (const [name, value] of Object.entries(others)) {
      expect([name, typeof value]).toEqual([name, 'function']);
    }
  });
});

describe('Libc, libuv and Node-API', () => {
  it('knows the loop of this thread, and the libuv that runs it', () => {
    const libc = load();
    expect(libc.currentLoop()).toBeGreaterThan(2 ** 20);
    expect(libc.currentLoop()).toBe(libc.currentLoop());
    expect(libc.uvVersion()).toBe(process.versions.uv);
    const loop = libc.currentLoop();
    expect(readlinkSync(`/proc/self/fd/${libc.uvBackendFd(loop)}`)).toBe('anon_inode:[eventpoll]');
    // A promise keeps nothing alive, an immediate does: then libuv would not sleep.
    setImmediate(() => {});
    expect(libc.uvBackendTimeout(loop)).toBe(0);
  });

  it('finds symbols, and fails for what is not there', () => {
    const libc = load();
    expect(libc.symbol('uv_is_active')).toBeGreaterThan(0);
    expect(libc.symbol('uv_is_active')).not.toBe(libc.symbol('uv_check_stop'));
    expect(() => libc.symbol('onering_is_not_there')).toThrow('onering_is_not_there');
  });

  it('gives every thread a loop of its own', async () => {
    const worker = new Worker(
      `import('${importUrl('dist/src/native/libc.js')}').then(({ loadLibc }) => {
         require('node:worker_threads').parentPort.postMessage(loadLibc().currentLoop());
       });`,
      { eval: true },
    );
    const exited = once(worker, 'exit');
    const [loop] = (await once(worker, 'message')) as [number];
    expect(loop).toBeGreaterThan(2 ** 20);
    expect(loop).not.toBe(load().currentLoop());
    await exited;
  });

  it('runs a hook of a worker when it ends, unless it was taken back', async () => {
    const [kept, hooked] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
    const worker = new Worker(
      `import('${importUrl('dist/src/native/libc.js')}').then(({ loadLibc }) => {
         const libc = loadLibc();
         const close = libc.symbol('close');
         libc.addCleanupHook(close, ${kept});
         libc.addCleanupHook(close, ${hooked});
         libc.removeCleanupHook(close, ${kept});
         require('node:worker_threads').parentPort.postMessage('ready');
         setInterval(() => {}, 1000);
       });`,
      { eval: true },
    );
    await once(worker, 'message');
    expect(readlinkSync(`/proc/self/fd/${hooked}`)).toBe('/dev/null');
    await worker.terminate();
    expect(() => readlinkSync(`/proc/self/fd/${hooked}`)).toThrow('ENOENT');
    closeSync(kept);
  });
});
